//! Modules that a host would not load.

use breakglass_host_tests::{Module, Profile, Proxy};

use crate::guest;

#[test]
fn an_unknown_import_is_named() {
    let error = refusal("unknown_import");
    assert!(error.contains("proxy_make_coffee"), "{error}");
}

#[test]
fn the_import_list_is_checked_without_loading() {
    for profile in Profile::all() {
        let unknown = guest("unknown_import").imports_unknown_to(&profile);
        assert_eq!(unknown.expect("it parses"), ["env.proxy_make_coffee"]);
        let unknown = guest("route").imports_unknown_to(&profile);
        assert_eq!(unknown.expect("it parses"), [""; 0], "{}", profile.name);
    }
}

#[test]
fn the_log_level_cannot_be_imported_on_kong() {
    let module = Module::from_bytes(
        "log level",
        r#"(module (import "env" "proxy_get_log_level" (func (param i32) (result i32))))"#,
    );
    for profile in Profile::all() {
        let unknown = module.imports_unknown_to(&profile).expect("it parses");
        assert_eq!(
            unknown.is_empty(),
            profile.name != "kong",
            "{}",
            profile.name
        );
    }
}

#[test]
fn imports_are_listed_in_order_and_once() {
    let module = Module::from_bytes(
        "twice",
        r#"(module (import "env" "b" (func)) (import "env" "a" (func)) (import "env" "b" (func)))"#,
    );
    assert_eq!(module.imports().expect("it parses"), ["env.a", "env.b"]);
}

#[test]
fn a_module_must_say_which_abi_it_speaks() {
    assert!(refusal("no_abi").contains("ABI version"));
}

#[test]
fn a_callback_of_the_wrong_type_is_named() {
    assert!(refusal("bad_signature").contains("proxy_on_request_headers"));
}

#[test]
fn what_is_not_a_module_is_an_error() {
    let proxy = Proxy::builder(Module::from_bytes("nonsense", "(modul")).build();
    let error = proxy
        .plugin("p")
        .configure("")
        .expect_err("it does not parse");
    assert!(
        error
            .to_string()
            .starts_with("configuration refused: nonsense"),
        "{error}"
    );
}

#[test]
fn a_missing_file_says_how_to_build_it() {
    let error = Module::from_file("no/such/file.wasm").expect_err("it is not there");
    assert!(error.to_string().contains("make wasm"), "{error}");
}

fn refusal(name: &str) -> String {
    let proxy = Proxy::builder(guest(name)).build();
    let error = proxy
        .plugin("p")
        .configure("")
        .expect_err("it cannot be loaded");
    error.to_string()
}
