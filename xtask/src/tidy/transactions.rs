//! A transaction never waits for Stripe.

use super::Finding;
use super::house::House;
use super::tokens::{Token, tokens};

/// Follows each function from top to bottom: between `.begin()` and `.commit()` or `.rollback()`
/// nothing may be asked of `stripe` or `gateway`.
pub fn waiting_for_stripe(house: &House) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in house.server_files() {
        findings.extend(calls_in_transactions(file.text).into_iter().map(|line| Finding {
            place: format!("{}:{line}", file.path),
            wrong: "calls Stripe while a transaction is open".to_owned(),
            why: "Stripe may take seconds, and on SQLite every other writer waits as long",
            remedy: "commit first; call Stripe with an idempotency key; then write what it \
                     answered in a second, short transaction",
        }));
    }
    findings
}

fn calls_in_transactions(source: &str) -> Vec<usize> {
    let tokens = tokens(source);
    let mut open = false;
    let mut lines = Vec::new();
    for (index, (line, token)) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1).map(|(_, token)| *token);
        match token {
            Token::Word("fn") => open = false,
            Token::Word("begin") if next == Some(Token::Mark("(")) => open = true,
            Token::Word("commit" | "rollback") if next == Some(Token::Mark("(")) => open = false,
            Token::Word("stripe" | "gateway") if open && next == Some(Token::Mark(".")) => {
                lines.push(*line);
            }
            _ => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_inside_is_found() {
        let source = "async fn f(app: &App) {
    let mut tx = app.db.begin().await?;
    app.stripe
        .create_customer().await?;
    tx.commit().await?;
}";
        assert_eq!(calls_in_transactions(source), [3]);
        let house = House::of(&[("crates/server/src/tenants/actions.rs", source)]);
        assert_eq!(waiting_for_stripe(&house)[0].place, "crates/server/src/tenants/actions.rs:3");
    }

    #[test]
    fn calls_before_after_and_in_the_next_function_are_fine() {
        let source = "async fn f(app: &App) {
    app.stripe.fetch().await?;
    let tx = app.db.begin().await?;
    tx.rollback().await?;
    app.stripe.fetch().await?;
    let tx = app.db.begin().await?; // stripe.fetch()
    use_it(stripe::Customer);
}
async fn g(gateway: &dyn Gateway) { gateway.fetch().await? }";
        assert!(calls_in_transactions(source).is_empty());
    }
}
