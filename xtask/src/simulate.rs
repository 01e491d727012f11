//! `simulate`: stories of the whole system, for some minutes or of one seed; the tests play a few fixed ones.

use anyhow::{Context, Result, bail, ensure};

use crate::servers::{Purpose, Servers};
use crate::shell::cargo;

/// What is to be played.
#[derive(Debug, Default, PartialEq)]
struct Wish {
    minutes: Option<u64>,
    seed: Option<u64>,
    /// Both at once where nothing is said.
    database: Option<String>,
}

pub fn simulate(arguments: &[&str]) -> Result<()> {
    let wish = read(arguments)?;
    let servers = Servers::start(Purpose::Tests)?;
    let filter = format!("simulation::on_{}", wish.database.as_deref().unwrap_or_default());
    let mut cargo = cargo(&["test", "-p", "tollhouse-server", "--test", "it", "--", &filter]);
    cargo.arg("--nocapture");
    for (name, value) in [("SIMULATE_MINUTES", wish.minutes), ("SIMULATE_SEED", wish.seed)] {
        if let Some(value) = value {
            cargo.env(name, value.to_string());
        }
    }
    servers.run(&mut cargo)
}

fn read(arguments: &[&str]) -> Result<Wish> {
    let mut wish = Wish::default();
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        let value =
            rest.next().with_context(|| format!("`{option}` says what: give it a value."))?;
        let number = || value.parse().with_context(|| format!("`{value}` is not a number."));
        match *option {
            "--minutes" => wish.minutes = Some(number()?),
            "--seed" => wish.seed = Some(number()?),
            "--database" => {
                ensure!(
                    ["sqlite", "postgres"].contains(value),
                    "There is no database `{value}`: choose `sqlite` or `postgres`."
                );
                wish.database = Some((*value).to_owned());
            }
            _ => bail!("`{option}` is not known. Use --minutes N, --seed N and --database NAME."),
        }
    }
    Ok(wish)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_and_what_is_odd_refused() {
        let wish = read(&["--seed", "7", "--database", "postgres"]).unwrap();
        let database = Some("postgres".to_owned());
        assert_eq!(wish, Wish { minutes: None, seed: Some(7), database });
        assert_eq!(read(&[]).unwrap(), Wish::default());
        for odd in [["--minutes", "some"], ["--database", "oracle"], ["--hours", "1"]] {
            assert!(read(&odd).is_err(), "{odd:?}");
        }
        assert!(read(&["--seed"]).is_err());
    }
}
