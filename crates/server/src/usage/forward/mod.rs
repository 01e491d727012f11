//! What another counter, such as Lago, is to have too: the reports of each commit, until it has them.

pub mod queries;
