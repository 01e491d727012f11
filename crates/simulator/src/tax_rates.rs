//! Tax rates: a share of an amount, on top of it or within it.

use serde_json::{Value, json};

use crate::{
    catalog::amount::Decimal,
    error::{Error, Result},
    invoices::Line,
    lists,
    params::{Metadata, Params},
    table::{Object, Table},
    world::{Request, World, with_nulls},
};

#[derive(Clone)]
pub struct TaxRate {
    id: String,
    created: i64,
    active: bool,
    display_name: String,
    description: Option<String>,
    country: Option<String>,
    jurisdiction: Option<String>,
    state: Option<String>,
    inclusive: bool,
    /// Of a hundred.
    percentage: Decimal,
    metadata: Metadata,
}

/// The tax on one line of an invoice.
#[derive(Clone)]
pub struct Tax {
    pub rate: String,
    pub inclusive: bool,
    pub amount: i64,
    pub taxable: i64,
}

impl Tax {
    pub fn show(&self) -> Value {
        json!({
            "amount": self.amount,
            "tax_behavior": if self.inclusive { "inclusive" } else { "exclusive" },
            "tax_rate_details": { "tax_rate": self.rate },
            "taxability_reason": "not_available",
            "taxable_amount": self.taxable,
            "type": "tax_rate_details",
        })
    }
}

impl Object for TaxRate {
    const NOUN: &'static str = "tax rate";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn render(&self, _: &World) -> Value {
        // A JSON number, written digit by digit.
        let percentage: Value =
            serde_json::from_str(&self.percentage.to_string()).unwrap_or_default();
        let shown = json!({
            "id": self.id,
            "object": "tax_rate",
            "active": self.active,
            "country": self.country,
            "created": self.created,
            "description": self.description,
            "display_name": self.display_name,
            "inclusive": self.inclusive,
            "jurisdiction": self.jurisdiction,
            "livemode": false,
            "metadata": self.metadata,
            "percentage": percentage,
            "rate_type": "percentage",
            "state": self.state,
        });
        with_nulls(
            shown,
            &["effective_percentage", "flat_amount", "jurisdiction_level", "tax_type"],
        )
    }

    fn table(world: &World) -> &Table<Self> {
        &world.tax_rates
    }
}

/// Puts tax on the lines, by the rates of their own or else by these.
pub fn apply(world: &World, default_rates: &[String], lines: &mut [Line]) {
    for line in lines {
        let own = Some(line.tax_rates.as_slice()).filter(|rates| !rates.is_empty());
        line.taxes = taxes(world, own.unwrap_or(default_rates), line.net());
    }
}

/// The tax of each of these rates on an amount, rounded by itself, half away from zero.
pub fn taxes(world: &World, rates: &[String], net: i64) -> Vec<Tax> {
    let rates = rates.iter().filter_map(|id| world.tax_rates.find(id));
    rates.map(|rate| rate.tax(net, rate.inclusive)).collect()
}

impl TaxRate {
    pub fn inclusive(&self) -> bool {
        self.inclusive
    }

    /// The tax on an amount, or within it.
    pub fn tax(&self, net: i64, inclusive: bool) -> Tax {
        let amount = if inclusive {
            self.percentage.percent_within(net)
        } else {
            self.percentage.percent_of(net)
        };
        let taxable = if inclusive { net - amount } else { net };
        Tax { rate: self.id.clone(), inclusive, amount, taxable }
    }
}

/// The tax of each rate, over all lines.
pub fn sum<'a>(taxes: impl Iterator<Item = &'a Tax>) -> Vec<Tax> {
    let mut sums: Vec<Tax> = Vec::new();
    for tax in taxes {
        match sums.iter_mut().find(|sum| (&sum.rate, sum.inclusive) == (&tax.rate, tax.inclusive)) {
            Some(sum) => {
                sum.amount += tax.amount;
                sum.taxable += tax.taxable;
            }
            None => sums.push(tax.clone()),
        }
    }
    sums
}

/// The ids in a request's `field`, such as `default_tax_rates`; none where it says nothing of them.
///
/// # Errors
/// A rate that is unknown or archived.
pub fn read(world: &World, params: &Params<'_>, field: &str) -> Result<Option<Vec<String>>> {
    if !params.has(field) {
        return Ok(None);
    }
    let name = params.name(field);
    let ids = params.texts(field)?;
    for id in &ids {
        if !world.tax_rates.get(id, &name)?.active {
            let message = format!("The tax rate {id} is archived, so it cannot be used.");
            return Err(Error::invalid(message).param(&name));
        }
    }
    Ok(Some(ids.into_iter().map(str::to_owned).collect()))
}

/// The rates with these ids, as shown inside other objects.
pub fn show(world: &World, ids: &[String]) -> Value {
    ids.iter().filter_map(|id| world.tax_rates.find(id)).map(|rate| rate.render(world)).collect()
}

pub fn create(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let percentage = params.required_text("percentage")?.parse::<Decimal>();
    let Some(percentage) = percentage.ok().filter(|found| is_share(*found)) else {
        return Err(params.wrong("percentage", "The percentage must be from 0 to 100."));
    };
    let inclusive = params.boolean("inclusive")?;
    let mut rate = TaxRate {
        id: String::new(),
        created: world.now,
        active: true,
        display_name: params.required_text("display_name")?.to_owned(),
        description: None,
        country: None,
        jurisdiction: None,
        state: None,
        inclusive: inclusive.ok_or_else(|| params.empty("inclusive"))?,
        percentage,
        metadata: Metadata::new(),
    };
    describe(&params, &mut rate)?;
    rate.id = world.ids.id("txr_");
    let shown = rate.render(world);
    world.tax_rates.put(rate);
    world.emit("tax_rate.created", &shown);
    Ok(shown)
}

/// From nothing to a hundred.
pub fn is_share(percentage: Decimal) -> bool {
    percentage == Decimal::default() || percentage.is_percentage()
}

/// A rate of automatic tax. It is archived from the start, so that nobody else takes it.
pub fn add_automatic(
    world: &mut World,
    country: &str,
    percentage: Decimal,
    inclusive: bool,
) -> String {
    let rate = TaxRate {
        id: world.ids.id("txr_"),
        created: world.now,
        active: false,
        display_name: "Tax".to_owned(),
        description: None,
        country: Some(country.to_owned()),
        jurisdiction: Some(country.to_owned()),
        state: None,
        inclusive,
        percentage,
        metadata: Metadata::new(),
    };
    let id = rate.id.clone();
    world.tax_rates.put(rate);
    id
}

fn describe(params: &Params<'_>, rate: &mut TaxRate) -> Result<()> {
    if let Some(active) = params.boolean("active")? {
        rate.active = active;
    }
    if let Some(name) = params.text("display_name")? {
        name.clone_into(&mut rate.display_name);
    }
    params.set_text("description", &mut rate.description)?;
    params.set_text("country", &mut rate.country)?;
    params.set_text("jurisdiction", &mut rate.jurisdiction)?;
    params.set_text("state", &mut rate.state)?;
    params.merge_metadata(&mut rate.metadata)
}

pub fn update(world: &mut World, request: &Request) -> Result<Value> {
    let mut rate = world.tax_rates.get(&request.id, "tax_rate")?.clone();
    let before = rate.render(world);
    describe(&request.params(), &mut rate)?;
    let after = rate.render(world);
    world.tax_rates.put(rate);
    world.emit_update("tax_rate.updated", &before, &after);
    Ok(after)
}

pub fn retrieve(world: &mut World, request: &Request) -> Result<Value> {
    Ok(world.tax_rates.get(&request.id, "tax_rate")?.render(world))
}

pub fn list(world: &mut World, request: &Request) -> Result<Value> {
    let params = request.params();
    let (active, inclusive) = (params.boolean("active")?, params.boolean("inclusive")?);
    lists::list::<TaxRate>(world, request, |rate| {
        active.is_none_or(|active| rate.active == active)
            && inclusive.is_none_or(|inclusive| rate.inclusive == inclusive)
    })
}
