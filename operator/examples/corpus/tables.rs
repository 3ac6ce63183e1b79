//! Tables: numbers in columns, with every kind of separator.

use super::rng::Rng;

pub(super) fn block(rng: &mut Rng) -> Vec<String> {
    let rows = rng.range(4, 20);
    match rng.below(9) {
        0 => csv(rng, rows),
        1 => columns(rng, rows),
        2 => query(rng, rows),
        3 => tabs(rng, rows),
        4 => (0..rows).map(|_| geo(rng)).collect(),
        5 => (0..rows).map(|_| listing(rng)).collect(),
        6 => (0..rows).map(|_| matrix(rng)).collect(),
        7 => ledger(rng, rows),
        _ => (0..rows).map(|_| shipment(rng)).collect(),
    }
}

fn csv(rng: &mut Rng, rows: u64) -> Vec<String> {
    let mut lines = vec![format!(
        "id,{},{},created_at,total,ratio",
        rng.word(),
        rng.ident()
    )];
    let mut id = rng.below(1 << 30);
    for _ in 0..rows {
        id += rng.range(1, 3);
        lines.push(format!(
            "{id},{},{},{},{},{}",
            rng.word(),
            rng.id(),
            rng.timestamp(),
            rng.below(1 << 20),
            rng.decimal()
        ));
    }
    lines
}

fn columns(rng: &mut Rng, rows: u64) -> Vec<String> {
    let widths: Vec<u64> = (0..rng.range(3, 7)).map(|_| rng.range(2, 9)).collect();
    let row = |rng: &mut Rng| {
        let cells: Vec<String> = widths
            .iter()
            .map(|width| format!("{:>10}", rng.digits(*width)))
            .collect();
        cells.join("  ")
    };
    (0..rows).map(|_| row(rng)).collect()
}

fn query(rng: &mut Rng, rows: u64) -> Vec<String> {
    let mut lines = vec![
        format!(" {} | {} | updated | amount ", rng.word(), rng.ident()),
        "----+------+---------+--------".into(),
    ];
    for row in 0..rows {
        lines.push(format!(
            " {row:3} | {} | {} {} | {}",
            rng.id_of_digits(),
            rng.date(),
            rng.time(),
            rng.decimal()
        ));
    }
    lines.push(format!("({rows} rows)"));
    lines
}

fn tabs(rng: &mut Rng, rows: u64) -> Vec<String> {
    let row = |rng: &mut Rng| {
        format!(
            "{}\t{}\t{}\t{}\t{}",
            rng.word(),
            rng.below(1 << 24),
            rng.epoch_in_some_unit(),
            rng.decimal(),
            rng.hex(16)
        )
    };
    (0..rows).map(|_| row(rng)).collect()
}

fn geo(rng: &mut Rng) -> String {
    format!(
        "{}.{},-{}.{},{}",
        rng.below(90),
        rng.text("0123456789", 6),
        rng.below(180),
        rng.text("0123456789", 6),
        rng.below(9000)
    )
}

fn listing(rng: &mut Rng) -> String {
    format!(
        "-rw-r--r-- 1 root root {:>10} {} {} {}.{}",
        rng.below(1 << 32),
        rng.date(),
        &rng.time()[..5],
        rng.id(),
        rng.pick(&["log", "bin", "csv", "gz"])
    )
}

fn matrix(rng: &mut Rng) -> String {
    let cells: Vec<String> = (0..rng.range(3, 8))
        .map(|_| {
            format!(
                "{}.{}e{:+03}",
                rng.below(10),
                rng.text("0123456789", 8),
                rng.below(40) as i64 - 20
            )
        })
        .collect();
    format!("[{}]", cells.join(", "))
}

fn ledger(rng: &mut Rng, rows: u64) -> Vec<String> {
    let row = |rng: &mut Rng| {
        format!(
            "{};{};{};{};SKU-{}{}",
            rng.date(),
            rng.word(),
            rng.price(),
            rng.below(999),
            rng.text("ABCDEFGHJKLMNPQRSTUVWXYZ", 2),
            rng.digits(5)
        )
    };
    (0..rows).map(|_| row(rng)).collect()
}

/// Containers are named by four letters and seven digits (ISO 6346).
fn shipment(rng: &mut Rng) -> String {
    let owner = rng.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 3);
    format!(
        "{},{owner}U{},{},{} {}",
        rng.range(1990, 2030),
        rng.digits(7),
        rng.decimal(),
        rng.range(2000, 2009),
        rng.range(2010, 2019)
    )
}
