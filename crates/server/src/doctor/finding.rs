//! What an examination comes to.

use std::fmt;

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    /// It runs; somebody should know.
    Warning,
    /// Not ready for production.
    Problem,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "PROBLEM",
        })
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What was looked at: the same words in every release.
    pub check: &'static str,
    pub verdict: Verdict,
    /// What is so, and what that means.
    pub means: String,
    /// What to do about it; none where all is well.
    pub remedy: Option<String>,
}

impl Finding {
    pub fn ok(check: &'static str, means: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, means: means.into(), remedy: None }
    }

    pub fn warning(
        check: &'static str,
        means: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let remedy = Some(remedy.into());
        Self { check, verdict: Verdict::Warning, means: means.into(), remedy }
    }

    pub fn problem(
        check: &'static str,
        means: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let remedy = Some(remedy.into());
        Self { check, verdict: Verdict::Problem, means: means.into(), remedy }
    }
}
