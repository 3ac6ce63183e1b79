//! Source code and what lies beside it in a repository.

use super::rng::Rng;

pub(super) fn block(rng: &mut Rng) -> Vec<String> {
    match rng.below(60) {
        0 => cargo_lock(rng),
        1 => package_lock(rng),
        2 => manifest(rng),
        3 => patch(rng),
        4 => hex_dump(rng),
        5 => certificate(rng),
        6 => number_table(rng),
        7 => vec![source_map(rng)],
        8 => pretty_json(rng),
        _ => vec![statement(rng)],
    }
}

fn statement(rng: &mut Rng) -> String {
    let (a, b, word) = (rng.ident(), rng.ident(), rng.word());
    let (small, large) = (rng.below(100), rng.below(1 << 32));
    let indent = " ".repeat(4 * rng.below(4) as usize);
    let line = match rng.below(58) {
        0 => format!("let {a} = {b}[{small}..{}];", small + 8),
        1 => format!("const {}: u64 = 0x{};", a.to_uppercase(), rng.hex(16)),
        2 => format!("if {a}.{b}() > {large} {{"),
        3 => format!(
            "return {a} * {}_{:03}_{:03} + {small};",
            rng.range(1, 9),
            rng.below(1000),
            rng.below(1000)
        ),
        4 => format!(
            "// See RFC {} section {}.{}, and issue #{}.",
            rng.range(791, 9500),
            rng.range(1, 9),
            rng.range(1, 9),
            rng.range(1, 99_999)
        ),
        5 => format!("assert_eq!({a}(b\"{word}\"), 0x{});", rng.hex(8)),
        6 => format!("static uint64_t {a} = {}ULL;", rng.next()),
        7 => format!("state = state * 6364136223846793005 + 1442695040888963407; /* {small} */"),
        8 => format!("const MAX = 9007199254740991; const {a} = {large};"),
        9 => format!("setTimeout({a}, {});", rng.range(1, 600_000)),
        10 => format!("import {{ {a} }} from \"@{word}/{}\";", rng.word()),
        11 => format!(
            "@pytest.mark.parametrize(\"{a}\", [{small}, {large}, {}])",
            rng.decimal()
        ),
        12 => format!(
            "re.compile(r\"^[0-9]{{{}}}-[0-9]{{{}}}$\")",
            rng.range(2, 9),
            rng.range(2, 9)
        ),
        13 => format!("#define {}_VERSION \"{}\"", a.to_uppercase(), rng.semver()),
        14 => format!("use crate::{a}::{b}::{word};"),
        15 => format!(
            "std::{a}::{b}<std::{word}::value_type>::add(0x{:x}, {small});",
            rng.below(65_536)
        ),
        16 => format!(
            "color: #{}; margin: {}px {}px; z-index: {};",
            rng.hex(6),
            small,
            rng.below(64),
            rng.below(99_999)
        ),
        17 => svg(rng),
        18 => format!(
            "INSERT INTO {word} VALUES ({}, '{a}', {}, {}, NULL);",
            rng.id_of_digits(),
            rng.epoch_in_some_unit(),
            rng.decimal()
        ),
        19 => format!("index {}..{} 100644", rng.hex(7), rng.hex(7)),
        20 => format!(
            "@@ -{},{} +{},{} @@ fn {a}()",
            rng.range(1, 9999),
            rng.below(60),
            rng.range(1, 9999),
            rng.below(60)
        ),
        21 => format!("FROM {word}:{}-slim@sha256:{}", rng.semver(), rng.hex(64)),
        22 => format!("{word}@{}: {}", rng.semver(), rng.id()),
        23 => format!(
            "background: url(\"/img/{word}@2x.png?v={}\");",
            rng.digits(10)
        ),
        24 => format!("x = q @ k.transpose(-2, -1) / math.sqrt({small})"),
        25 => format!("println!(\"{{:>{small}.{}}}\", {a});", rng.below(9)),
        26 => format!("{a}(\"{}\")", rng.timestamp()),
        27 => format!("case 0x{}: return \"{word}\";", rng.hex(4)),
        28 => format!("\"{word}\": \">={} <{}\",", rng.semver(), rng.range(1, 99)),
        29 => format!(
            "// {} {}: fixed in {} ({})",
            rng.pick(&["TICKET", "BUG", "CVE-2024"]),
            rng.digits(5),
            rng.semver(),
            rng.date()
        ),
        30 => format!(
            "OID.{a} = \"1.3.6.1.4.1.{}.{}.{}.{}\";",
            rng.range(1, 60_000),
            rng.below(20),
            rng.below(20),
            rng.below(300)
        ),
        31 => format!(
            "static const float {a}[] = {{{}f, {}f, {}f}};",
            rng.decimal(),
            rng.decimal(),
            rng.decimal()
        ),
        32 => format!(
            "{a} = {b}[{small}] << {} | 0b{};",
            rng.below(32),
            rng.text("01", 8)
        ),
        33 => format!("$(CC) -O2 -c $< -o $@ # {small}"),
        34 => format!("@Test(timeout = {large}) public void {a}() throws Exception {{"),
        35 => format!(
            "throw new {a}(\"{word} {} not found\", {});",
            rng.id(),
            rng.range(100, 599)
        ),
        36 => format!(
            "{a}: {}/{}x{}",
            rng.word(),
            rng.range(320, 7680),
            rng.range(240, 4320)
        ),
        37 => format!("\"integrity\": \"sha512-{}==\",", rng.base64(86)),
        38 => format!("const {a} = \"{}\";", rng.id()),
        39 => format!(
            "{a} = datetime({}, {}, {}, {}, {})",
            rng.range(1970, 2030),
            rng.range(1, 12),
            rng.range(1, 28),
            rng.below(24),
            rng.below(60)
        ),
        40 => format!(
            "ASSERT_NEAR({a}, {}, 1e-{});",
            rng.decimal(),
            rng.range(3, 12)
        ),
        41 => format!("\\u{} \\x{} \\n {word}", rng.hex(4), rng.hex(2)),
        42 => format!(
            "[assembly: AssemblyVersion(\"{}.{}.*\")]",
            rng.below(20),
            rng.below(20)
        ),
        43 => format!("mov rax, 0x{:x}; add rbx, {small}; call {a}@PLT", large),
        44 => format!(
            "{}: {:016x} {} {} {word}",
            rng.digits(3),
            large,
            rng.pick(&["FUNC", "OBJECT"]),
            rng.pick(&["GLOBAL", "LOCAL"])
        ),
        45 => format!("{word}.{b}@GLIBC_2.{small} {}", rng.hex(16)),
        46 => format!(
            "// ISBN 978-{}-{}-{}-{}",
            rng.range(0, 9),
            rng.digits(3),
            rng.digits(5),
            rng.below(10)
        ),
        47 => format!(
            "https://example.test/{word}/{}?page={small}&ts={}#L{}",
            rng.id(),
            rng.epoch_in_some_unit(),
            rng.range(1, 5000)
        ),
        48 => format!(
            "sleep {small}; kill -9 $({word} -p {})",
            rng.range(1, 65_535)
        ),
        49 => format!("{a}[{}] = '{}';", small, rng.base64(64)),
        50 => format!(
            "part = \"{}{}{}\"",
            rng.pick(&["LM", "MAX", "STM32F", "ATMEGA", "BC", "TPS"]),
            rng.range(10, 9999),
            rng.pick(&["", "P", "CPE", "-AU", "T"])
        ),
        51 => format!(
            "raise {a}Error(\"E{:04}: expected {small} of {large}\")",
            rng.below(1000)
        ),
        52 => format!("i18n.t('{word}.{a}', {{count: {small}, total: {large}}})"),
        53 => format!("{a} := big.NewInt({}); // {}", rng.next() >> 1, rng.word()),
        54 => format!(
            "memcpy({a}, \"\\x{}\\x{}\\x{}\\x{}\", 4);",
            rng.hex(2),
            rng.hex(2),
            rng.hex(2),
            rng.hex(2)
        ),
        55 => format!(
            "fade::add({a}, {small}); // {word} {:02}:{:02}",
            rng.below(24),
            rng.below(60)
        ),
        56 => format!(
            "private static final long serialVersionUID = {}{}L;",
            rng.pick(&["", "-"]),
            rng.next() >> 1
        ),
        _ => format!("}} // {a}"),
    };
    format!("{indent}{line}")
}

fn svg(rng: &mut Rng) -> String {
    let mut path = format!("<path d=\"M{} {}", rng.below(500), rng.decimal());
    for _ in 0..rng.range(2, 8) {
        let places = [rng.decimal(), rng.decimal(), rng.below(1000).to_string()];
        path += &format!(
            "{}{} {} {}",
            rng.pick(&["L", "l", "C", "c", "q"]),
            places[0],
            places[1],
            places[2]
        );
    }
    path + "z\"/>"
}

fn cargo_lock(rng: &mut Rng) -> Vec<String> {
    let (name, version) = (rng.word(), rng.semver());
    vec![
        "[[package]]".into(),
        format!("name = \"{name}\""),
        format!("version = \"{version}\""),
        format!("checksum = \"{}\"", rng.hex(64)),
        format!(
            "dependencies = [\"{} {}\", \"{}\"]",
            rng.word(),
            rng.semver(),
            rng.word()
        ),
    ]
}

fn package_lock(rng: &mut Rng) -> Vec<String> {
    let (scope, name, version) = (rng.word(), rng.word(), rng.semver());
    vec![
        format!("\"node_modules/@{scope}/{name}\": {{"),
        format!("  \"version\": \"{version}\","),
        format!(
            "  \"resolved\": \"https://registry.example.test/@{scope}/{name}/-/{name}-{version}.tgz\","
        ),
        format!("  \"integrity\": \"sha512-{}==\"", rng.base64(86)),
        "},".into(),
        format!("\"@{scope}/{name}@npm:^{version}\":"),
        format!("{scope}@{version}, {scope}@~{}:", rng.semver()),
    ]
}

fn manifest(rng: &mut Rng) -> Vec<String> {
    let (name, word) = (rng.word(), rng.word());
    vec![
        "apiVersion: apps/v1".into(),
        "kind: Deployment".into(),
        format!(
            "  name: {name}-{}-{}",
            rng.hex(10),
            rng.text("bcdfghjklmnpqrstvwxz2456789", 5)
        ),
        format!("  uid: {}", rng.uuid()),
        format!("  resourceVersion: \"{}\"", rng.range(1000, 999_999_999)),
        format!(
            "  creationTimestamp: \"{}Z\"",
            format_args!("{}T{}", rng.date(), rng.time())
        ),
        format!("    pod-template-hash: \"{}\"", rng.hex(10)),
        format!(
            "        image: registry.example.test/{name}/{word}:{}@sha256:{}",
            rng.semver(),
            rng.hex(64)
        ),
        format!("        - containerPort: {}", rng.range(1, 65_535)),
        format!("            cpu: {}m", rng.range(1, 4000)),
        format!("            memory: {}Mi", rng.range(1, 65_536)),
        format!("        runAsUser: {}", rng.range(1000, 1_000_999_999)),
    ]
}

fn patch(rng: &mut Rng) -> Vec<String> {
    let file = format!("src/{}/{}.rs", rng.word(), rng.word());
    let mut lines = vec![
        format!("commit {}", rng.hex(40)),
        format!("diff --git a/{file} b/{file}"),
        format!("index {}..{} 100644", rng.hex(7), rng.hex(7)),
        format!("@@ -{},7 +{},8 @@", rng.range(1, 999), rng.range(1, 999)),
    ];
    for _ in 0..rng.range(2, 6) {
        let sign = rng.pick(&["+", "-", " "]);
        let changed = if rng.once_in(8) {
            format!("{},", rng.id_of_digits())
        } else {
            statement(rng)
        };
        lines.push(format!("{sign}{changed}"));
    }
    lines
}

fn hex_dump(rng: &mut Rng) -> Vec<String> {
    let mut at = rng.below(1 << 20) * 16;
    let mut lines = Vec::new();
    for _ in 0..rng.range(3, 8) {
        let bytes: Vec<String> = (0..8).map(|_| rng.hex(4)).collect();
        lines.push(format!(
            "{at:08x}: {}  {}",
            bytes.join(" "),
            rng.text("abcXYZ....()#%", 16)
        ));
        at += 16;
    }
    lines
}

fn certificate(rng: &mut Rng) -> Vec<String> {
    let what = rng.pick(&["CERTIFICATE", "PUBLIC KEY"]);
    let mut lines = vec![format!("-----BEGIN {what}-----")];
    for _ in 0..rng.range(3, 10) {
        lines.push(rng.base64(64));
    }
    lines.push(format!("-----END {what}-----"));
    lines
}

fn number_table(rng: &mut Rng) -> Vec<String> {
    let width = rng.pick(&[3, 5, 7, 10]);
    let line = |rng: &mut Rng| {
        (0..8)
            .map(|_| rng.digits(width))
            .collect::<Vec<_>>()
            .join(", ")
            + ","
    };
    (0..rng.range(2, 8))
        .map(|_| format!("    {}", line(rng)))
        .collect()
}

/// JSON in base 64 begins as tokens do.
fn source_map(rng: &mut Rng) -> String {
    let length = rng.range(100, 1500);
    let map = rng.base64(length);
    format!(
        "//# sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpbI{map}"
    )
}

fn pretty_json(rng: &mut Rng) -> Vec<String> {
    let mut lines = vec!["{".to_owned()];
    for _ in 0..rng.range(2, 6) {
        let key = rng.ident();
        let value = match rng.below(5) {
            0 => rng.decimal(),
            1 => rng.id_of_digits(),
            2 => format!("\"{}\"", rng.id()),
            3 => format!("\"{}\"", rng.timestamp()),
            _ => "null".into(),
        };
        lines.push(format!("  \"{key}\": {value},"));
    }
    lines.push(format!("  \"{}\": [", rng.word()));
    let length = rng.range(2, 10);
    lines.extend((0..3).map(|_| format!("    {},", rng.digits(length))));
    lines.push("  ]".into());
    lines.push("}".into());
    lines
}
