//! Use as a library: the example is not only compiled, it is run.

#[path = "../../examples/embed.rs"]
mod embed;

#[test]
fn the_example_embeds_the_service() {
    embed::main().unwrap();
}
