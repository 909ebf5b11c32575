//! Short programs that use burn-zoo as a library: `cargo run --release --example classify`.
