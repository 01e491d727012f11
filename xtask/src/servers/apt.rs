//! Installing what is missing, where the machine is ours to install on.

use std::process::Command;

use anyhow::Result;

use crate::shell::{ask, on_path, run};

/// Does nothing where there is no `apt-get` or no right to use it: whoever needs the program then
/// says so, and what to do.
pub fn install(packages: &[&str]) -> Result<()> {
    let Some(prefix) = prefix() else { return Ok(()) };
    run(&mut apt_get(prefix, &["update"]))?;
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    run(&mut apt_get(prefix, &arguments))
}

/// What to put before `apt-get`: nothing for root, `sudo` for those whom it does not ask.
fn prefix() -> Option<&'static [&'static str]> {
    on_path("apt-get")?;
    if ask(Command::new("id").arg("-u"))? == "0" {
        Some(&[])
    } else {
        ask(Command::new("sudo").args(["-n", "true"])).map(|_| &["sudo", "-n"] as &[_])
    }
}

fn apt_get(prefix: &[&str], arguments: &[&str]) -> Command {
    // Another installation may hold the lock: wait for it. Nobody is there to answer questions.
    let call =
        ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300"];
    let words = [prefix, &call, arguments].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_no_questions_and_waits_for_the_lock() {
        let command = format!("{:?}", apt_get(&["sudo", "-n"], &["update"]));
        assert_eq!(
            command.replace('"', ""),
            "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 update"
        );
    }
}
