//! Tells the module which commit it was built from.

use std::process::Command;

fn main() {
    let output = Command::new("git")
        .args(["describe", "--always", "--dirty", "--abbrev=12"])
        .output();
    // Built from an archive there is no repository; the module then says so.
    let commit = match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => "unknown".to_owned(),
    };
    println!("cargo::rustc-env=BREAKGLASS_COMMIT={commit}");
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=../policy/src");
    println!("cargo::rerun-if-changed=../.git/HEAD");
}
