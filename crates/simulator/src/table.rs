//! Objects of one kind: found by id, walked in order of creation.

use std::collections::HashMap;

use serde_json::Value;

use crate::{
    error::{Error, Result},
    world::World,
};

/// One kind of Stripe object.
pub trait Object: Clone + 'static {
    /// What Stripe calls it in «No such …».
    const NOUN: &'static str;

    fn id(&self) -> &str;

    /// Unix seconds.
    fn created(&self) -> i64;

    /// A deleted object keeps its place, but is not listed and takes no changes.
    fn is_deleted(&self) -> bool {
        false
    }

    /// As the API shows it, unexpanded.
    fn render(&self, world: &World) -> Value;

    fn table(world: &World) -> &Table<Self>;
}

/// Never shrinks: an id once given stays known, as at Stripe.
#[derive(Clone)]
pub struct Table<T> {
    rows: Vec<T>,
    places: HashMap<String, usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), places: HashMap::new() }
    }
}

impl<T: Object> Table<T> {
    /// Adds `row`, or puts it in the place of the one with its id.
    pub fn put(&mut self, row: T) {
        if let Some(&place) = self.places.get(row.id()) {
            self.rows[place] = row;
        } else {
            self.places.insert(row.id().to_owned(), self.rows.len());
            self.rows.push(row);
        }
    }

    pub fn find(&self, id: &str) -> Option<&T> {
        self.places.get(id).map(|&place| &self.rows[place])
    }

    /// The object, unless it was deleted; `param` is the request parameter that named it.
    pub fn get(&self, id: &str, param: &str) -> Result<&T> {
        self.find(id)
            .filter(|row| !row.is_deleted())
            .ok_or_else(|| Error::no_such(T::NOUN, id, param))
    }

    /// Changes an object that is known to exist; does nothing where it does not.
    pub fn change(&mut self, id: &str, change: impl FnOnce(&mut T)) {
        if let Some(&place) = self.places.get(id) {
            change(&mut self.rows[place]);
        }
    }

    /// Where `id` stands in order of creation.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// In order of creation.
    pub fn rows(&self) -> &[T] {
        &self.rows
    }
}
