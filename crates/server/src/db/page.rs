//! Pages of a list: bounded, stable, with an opaque cursor.

use serde::Serialize;
use utoipa::ToSchema;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub data: Vec<T>,
    /// Give it as `cursor` to get the next page; `null` on the last one.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of rows that were asked for with one more than `limit`; `cursor` is the sort key of
    /// a row, after which the next page begins.
    pub fn of<Row>(
        mut rows: Vec<Row>,
        limit: i64,
        cursor: impl Fn(&Row) -> String,
        shown: impl Fn(Row) -> T,
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(cursor);
        Self { data: rows.into_iter().map(shown).collect(), next_cursor }
    }
}

impl<T, E> Page<Result<T, E>> {
    /// The page, or the first error on it.
    pub fn transpose(self) -> Result<Page<T>, E> {
        let data = self.data.into_iter().collect::<Result<_, E>>()?;
        Ok(Page { data, next_cursor: self.next_cursor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_page_has_a_next_one() {
        let cut = |rows: Vec<i64>| Page::of(rows, 2, i64::to_string, |row| row);
        assert_eq!(cut(vec![3, 2]).next_cursor, None);
        let first = cut(vec![3, 2, 1]);
        assert_eq!((first.data, first.next_cursor.as_deref()), (vec![3, 2], Some("2")));
    }
}
