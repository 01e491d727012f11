//! Lists: newest first, in pages, with cursors.

use serde_json::{Value, json};

use crate::{
    error::{Error, Result},
    params::Params,
    table::Object,
    world::{Request, World},
};

const PAGE_DEFAULT: i64 = 10;
const PAGE_MAX: i64 = 100;

/// A page of `T`, of those that `keep` keeps. The filter `created` works on every list that has it.
pub fn list<T: Object>(
    world: &World,
    request: &Request,
    keep: impl Fn(&T) -> bool,
) -> Result<Value> {
    let params = request.params();
    let page = Page::read(&params)?;
    let created = TimeRange::read(&params, "created")?;
    let table = T::table(world);
    let rows = table.rows();
    let keep = |row: &&T| !row.is_deleted() && created.contains(row.created()) && keep(row);
    let place = |cursor: &str, param| {
        table.place(cursor).ok_or_else(|| Error::no_such(T::NOUN, cursor, param))
    };
    let (found, has_more) = match page.cursor {
        Cursor::Newest => page.take(rows.iter().rev().filter(keep)),
        Cursor::After(id) => {
            page.take(rows[..place(id, "starting_after")?].iter().rev().filter(keep))
        }
        Cursor::Before(id) => {
            let (mut found, more) =
                page.take(rows[place(id, "ending_before")? + 1..].iter().filter(keep));
            found.reverse();
            (found, more)
        }
    };
    let data: Vec<Value> = found.into_iter().map(|row| row.render(world)).collect();
    Ok(envelope(data, has_more, &request.path))
}

/// A page of parts that live inside another object, such as an invoice's lines, in their own order.
/// `noun` is what Stripe calls a part.
pub fn list_parts(parts: &[Value], noun: &str, request: &Request) -> Result<Value> {
    let page = Page::read(&request.params())?;
    let place = |cursor: &str, param| {
        let found = parts.iter().position(|part| part["id"] == cursor);
        found.ok_or_else(|| Error::no_such(noun, cursor, param))
    };
    let (data, has_more) = match page.cursor {
        Cursor::Newest => page.take(parts.iter().cloned()),
        Cursor::After(id) => page.take(parts[place(id, "starting_after")? + 1..].iter().cloned()),
        Cursor::Before(id) => {
            let end = place(id, "ending_before")?;
            let start = end.saturating_sub(page.limit);
            (parts[start..end].to_vec(), start > 0)
        }
    };
    Ok(envelope(data, has_more, &request.path))
}

/// A whole list inside an object.
pub fn whole(data: Vec<Value>, url: &str) -> Value {
    envelope(data, false, url)
}

/// The beginning of a list inside an object; the rest is at `url`.
pub fn first_page(mut data: Vec<Value>, url: &str) -> Value {
    let page = usize::try_from(PAGE_DEFAULT).unwrap_or(usize::MAX);
    let has_more = data.len() > page;
    data.truncate(page);
    envelope(data, has_more, url)
}

fn envelope(data: Vec<Value>, has_more: bool, url: &str) -> Value {
    let mut list = json!({ "object": "list", "has_more": has_more, "url": url });
    list["data"] = Value::Array(data);
    list
}

struct Page<'a> {
    limit: usize,
    cursor: Cursor<'a>,
}

enum Cursor<'a> {
    Newest,
    After(&'a str),
    Before(&'a str),
}

impl<'a> Page<'a> {
    fn read(params: &Params<'a>) -> Result<Self> {
        let limit = params.integer("limit")?.unwrap_or(PAGE_DEFAULT);
        if limit < 1 {
            let message = "This value must be greater than or equal to 1.";
            return Err(params.wrong("limit", message).code("parameter_invalid_integer"));
        }
        if limit > PAGE_MAX {
            let message = format!("This value must be less than or equal to {PAGE_MAX}.");
            return Err(params.wrong("limit", &message).code("parameter_invalid_integer"));
        }
        let cursor = match (params.text("starting_after")?, params.text("ending_before")?) {
            (None, None) => Cursor::Newest,
            (Some(id), None) => Cursor::After(id),
            (None, Some(id)) => Cursor::Before(id),
            (Some(_), Some(_)) => {
                return Err(Error::invalid(
                    "You may only specify one of these parameters: ending_before, starting_after.",
                )
                .code("parameters_exclusive"));
            }
        };
        Ok(Self { limit: usize::try_from(limit).unwrap_or(1), cursor })
    }

    fn take<I: Iterator>(&self, mut rows: I) -> (Vec<I::Item>, bool) {
        let found = rows.by_ref().take(self.limit).collect();
        (found, rows.next().is_some())
    }
}

/// A moment, or a range of moments: `created=1`, `created[gte]=1&created[lt]=9`.
pub struct TimeRange {
    from: i64,
    to: i64,
}

impl TimeRange {
    pub fn read(params: &Params<'_>, field: &str) -> Result<Self> {
        let mut range = Self { from: i64::MIN, to: i64::MAX };
        if !params.has(field) {
            return Ok(range);
        }
        let Ok(Some(bounds)) = params.object(field) else {
            let moment = params.integer(field)?.ok_or_else(|| params.empty(field))?;
            return Ok(Self { from: moment, to: moment });
        };
        bounds.only(&["gt", "gte", "lt", "lte"], &[])?;
        for (bound, step) in [("gte", 0), ("gt", 1)] {
            if let Some(moment) = bounds.integer(bound)? {
                range.from = range.from.max(moment.saturating_add(step));
            }
        }
        for (bound, step) in [("lte", 0), ("lt", 1)] {
            if let Some(moment) = bounds.integer(bound)? {
                range.to = range.to.min(moment.saturating_sub(step));
            }
        }
        Ok(range)
    }

    pub fn contains(&self, moment: i64) -> bool {
        (self.from..=self.to).contains(&moment)
    }
}
