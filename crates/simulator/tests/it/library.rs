//! In a test suite: the example is not only compiled, it is run.

#[path = "../../examples/test_suite.rs"]
mod test_suite;

#[test]
fn the_example_tests_with_a_simulator_of_its_own() {
    test_suite::main().unwrap();
}
