//! A new file of SQL is a reason to build again, which no compiler sees by itself.

fn main() {
    println!("cargo:rerun-if-changed=postgres");
    println!("cargo:rerun-if-changed=sqlite");
}
