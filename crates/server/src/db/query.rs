//! A query under construction: text, parameters, and how many rows are wanted.

use std::{borrow::Cow, fmt::Write};

use sqlx::{
    Arguments as _, AssertSqlSafe, Executor, PgConnection, SqlSafeStr, SqliteConnection,
    postgres::PgArguments, sqlite::SqliteArguments,
};

use super::{
    Conn, Db, DbError, DbResult, Pools,
    columns::{Arguments, Param, Record, Row},
};

/// One static statement of the program, registered by `sql!`.
pub struct Statement {
    pub sql: &'static str,
    pub file: &'static str,
    pub line: u32,
}

inventory::collect!(Statement);

impl Conn {
    /// Starts a query; `sql!` does the same with parameters in place.
    pub fn query(&mut self, sql: impl Into<Cow<'static, str>>) -> Query<'_> {
        let (driver, arguments) = match self {
            Self::Sqlite(conn) => {
                (Driver::Sqlite(conn), Arguments::Sqlite(SqliteArguments::default()))
            }
            Self::SqliteTx(conn) => {
                (Driver::Sqlite(conn), Arguments::Sqlite(SqliteArguments::default()))
            }
            Self::Postgres(conn) => {
                (Driver::Postgres(conn), Arguments::Postgres(PgArguments::default()))
            }
            Self::PostgresTx(conn) | Self::PostgresRead(conn) => {
                (Driver::Postgres(conn), Arguments::Postgres(PgArguments::default()))
            }
        };
        Query { driver, sql: sql.into(), arguments, failed: None }
    }
}

enum Driver<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// A query that still takes text and parameters.
pub struct Query<'c> {
    driver: Driver<'c>,
    sql: Cow<'static, str>,
    arguments: Arguments,
    failed: Option<DbError>,
}

impl<'c> Query<'c> {
    /// Gives the next numbered parameter its value.
    #[must_use]
    pub fn bind(mut self, value: &impl Param) -> Self {
        self.add(value);
        self
    }

    /// Appends text as it is; never something a user said.
    #[must_use]
    pub fn push(mut self, sql: &str) -> Self {
        self.sql.to_mut().push_str(sql);
        self
    }

    /// Appends `sql`, its `?` bound to the value, where there is a value.
    #[must_use]
    pub fn filter(mut self, sql: &str, value: Option<impl Param>) -> Self {
        if let Some(value) = value {
            let (head, tail) = sql.split_once('?').unwrap_or((sql, ""));
            self.placeholder(head, &value);
            self.sql.to_mut().push_str(tail);
        }
        self
    }

    /// Appends a `VALUES` list of many rows: one statement for a batch, never one per row.
    #[must_use]
    pub fn values<T>(
        mut self,
        rows: &[T],
        mut each: impl for<'v> FnMut(Values<'v, 'c>, &T) -> Values<'v, 'c>,
    ) -> Self {
        self.sql.to_mut().push_str(" VALUES ");
        for (index, row) in rows.iter().enumerate() {
            self.sql.to_mut().push_str(if index == 0 { "(" } else { ", (" });
            each(Values { query: &mut self, separator: "" }, row);
            self.sql.to_mut().push(')');
        }
        self
    }

    /// Appends `(…, …)` for an `IN`; `(NULL)`, which nothing equals, for an empty list.
    ///
    /// The last value is repeated up to a power of two: a handful of texts, each prepared once.
    #[must_use]
    pub fn list(mut self, values: &[impl Param]) -> Self {
        self.sql.to_mut().push('(');
        let repeated = values.len().next_power_of_two().saturating_sub(values.len());
        let padding = values.iter().rev().take(1).cycle().take(repeated);
        for (index, value) in values.iter().chain(padding).enumerate() {
            self.placeholder(if index == 0 { "" } else { ", " }, value);
        }
        self.sql.to_mut().push_str(if values.is_empty() { "NULL)" } else { ")" });
        self
    }

    fn placeholder(&mut self, before: &str, value: &impl Param) {
        let number = self.add(value);
        let sql = self.sql.to_mut();
        // Writing to a String cannot fail. Anonymous on SQLite: it looks numbered names up one by one.
        let _ = match self.arguments {
            Arguments::Sqlite(_) => write!(sql, "{before}?"),
            Arguments::Postgres(_) => write!(sql, "{before}${number}"),
        };
    }

    fn add(&mut self, value: &impl Param) -> usize {
        if let Err(error) = value.add_to(&mut self.arguments) {
            self.failed = Some(DbError::Encode(error));
        }
        match &self.arguments {
            Arguments::Sqlite(arguments) => arguments.len(),
            Arguments::Postgres(arguments) => arguments.len(),
        }
    }

    /// Every row.
    pub async fn all<T: Record>(self) -> DbResult<Vec<T>> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let sql = AssertSqlSafe(self.sql.into_owned());
        match (self.driver, self.arguments) {
            (Driver::Sqlite(conn), Arguments::Sqlite(arguments)) => {
                let rows = sqlx::query_with(sql, arguments).fetch_all(conn).await?;
                rows.iter().map(|row| T::read(&Row::Sqlite(row))).collect()
            }
            (Driver::Postgres(conn), Arguments::Postgres(arguments)) => {
                let rows = sqlx::query_with(sql, arguments).fetch_all(conn).await?;
                rows.iter().map(|row| T::read(&Row::Postgres(row))).collect()
            }
            _ => Err(DbError::Protocol("parameters of another database".into())),
        }
    }

    /// The row, where there is one.
    pub async fn optional<T: Record>(self) -> DbResult<Option<T>> {
        Ok(self.all().await?.into_iter().next())
    }

    /// The row; it is an error where there is none.
    pub async fn one<T: Record>(self) -> DbResult<T> {
        self.optional().await?.ok_or(DbError::RowNotFound)
    }

    /// How many rows were changed.
    pub async fn execute(self) -> DbResult<u64> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let sql = AssertSqlSafe(self.sql.into_owned());
        match (self.driver, self.arguments) {
            (Driver::Sqlite(conn), Arguments::Sqlite(arguments)) => {
                Ok(sqlx::query_with(sql, arguments).execute(conn).await?.rows_affected())
            }
            (Driver::Postgres(conn), Arguments::Postgres(arguments)) => {
                Ok(sqlx::query_with(sql, arguments).execute(conn).await?.rows_affected())
            }
            _ => Err(DbError::Protocol("parameters of another database".into())),
        }
    }
}

/// Cuts the rows of a large statement into portions of few sizes, `max` at most: some dozen texts, each prepared
/// once. A size has three significant bits, so that the first portion is nearly all: 31 are 28 and 3.
pub fn portions<T>(rows: &[T], max: usize) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let most = rest.len().min(max);
        let dropped = most.checked_ilog2()?.saturating_sub(2);
        let (portion, tail) = rest.split_at(most >> dropped << dropped);
        rest = tail;
        Some(portion)
    })
}

/// One row of a `VALUES` list, column by column.
pub struct Values<'v, 'c> {
    query: &'v mut Query<'c>,
    separator: &'static str,
}

impl Values<'_, '_> {
    #[must_use]
    pub fn column(mut self, value: &impl Param) -> Self {
        self.query.placeholder(std::mem::replace(&mut self.separator, ", "), value);
        self
    }
}

impl Db {
    /// Prepares every static statement of the program and says which ones this database refuses.
    pub async fn refused_statements(&self) -> Vec<String> {
        let mut refused = Vec::new();
        for statement in inventory::iter::<Statement> {
            let sql = AssertSqlSafe(statement.sql).into_sql_str();
            let outcome = match &self.pools {
                Pools::Sqlite { writer, .. } => writer.prepare(sql).await.map(drop),
                Pools::Postgres(pool) => pool.prepare(sql).await.map(drop),
            };
            if let Err(error) = outcome {
                refused.push(format!("{}:{}: {error}", statement.file, statement.line));
            }
        }
        refused
    }
}
