//! Finding the steps that matter: pieces of a story are left out while what is left still fails.

use super::script::Step;

/// The story with as few steps as some tries find; `fails` says whether a story still does. Each try costs
/// one world.
pub fn shrink(story: &[Step], tries: usize, fails: impl Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut story = story.to_vec();
    let (mut piece, mut left) = (story.len().div_ceil(2), tries);
    while piece > 0 {
        let mut start = 0;
        while start < story.len() {
            if left == 0 {
                return story;
            }
            let end = (start + piece).min(story.len());
            let rest = [&story[..start], &story[end..]].concat();
            left -= 1;
            if fails(&rest) {
                story = rest;
            } else {
                start = end;
            }
        }
        piece /= 2;
    }
    story
}

#[test]
fn the_two_steps_that_matter_are_found() {
    let story = super::script::script(1, 64);
    let (one, other) = (story[9], story[40]);
    let fails = |story: &[Step]| story.contains(&one) && story.contains(&other);
    let shrunk = shrink(&story, 200, fails);
    assert_eq!(shrunk, [one, other]);
    assert!(shrink(&story, 3, fails).len() > 2, "no more tries than allowed");
}
