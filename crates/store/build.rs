//! Compiles the crate again when a migration has changed: they are embedded.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
