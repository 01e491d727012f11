//! A price as a catalog file writes it: amounts as text, in major units of its currency.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Interval, Model, ModelKind, Price, Tier};
use crate::money::{Currency, MoneyError};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceFile {
    interval: Interval,
    #[serde(default = "one")]
    interval_count: u32,
    currency: Currency,
    #[serde(default = "flat")]
    model: ModelKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    meter: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amount: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    package_size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tiers: Option<Vec<TierFile>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TierFile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    up_to: Option<u64>,
    unit_amount: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flat_amount: Option<String>,
}

/// Why a price in a file is none.
#[derive(Debug, Error)]
pub(super) enum MalformedPrice {
    #[error("a price of model `{0}` needs {1}; add it, or choose another model")]
    Missing(ModelKind, &'static str),
    #[error("a price of model `{0}` has no `{1}`; take it out, or choose another model")]
    Superfluous(ModelKind, &'static str),
    #[error(transparent)]
    Amount(#[from] MoneyError),
}

fn one() -> u32 {
    1
}

fn flat() -> ModelKind {
    ModelKind::Flat
}

impl TryFrom<PriceFile> for Price {
    type Error = MalformedPrice;

    fn try_from(file: PriceFile) -> Result<Self, MalformedPrice> {
        file.refuse_superfluous_keys()?;
        let model = match file.model {
            ModelKind::Flat => Model::Flat { amount: file.amount()? },
            ModelKind::PerSeat => Model::PerSeat { amount: file.amount()? },
            ModelKind::Graduated => Model::Graduated { tiers: file.tiers()? },
            ModelKind::Volume => Model::Volume { tiers: file.tiers()? },
            ModelKind::Package => {
                Model::Package { amount: file.amount()?, size: file.package_size()? }
            }
        };
        let PriceFile { interval, interval_count, currency, meter, .. } = file;
        Ok(Self { interval, interval_count, currency, model, meter })
    }
}

impl PriceFile {
    fn refuse_superfluous_keys(&self) -> Result<(), MalformedPrice> {
        let tiered = matches!(self.model, ModelKind::Graduated | ModelKind::Volume);
        let superfluous = [
            ("amount", self.amount.is_some() && tiered),
            ("tiers", self.tiers.is_some() && !tiered),
            ("package_size", self.package_size.is_some() && self.model != ModelKind::Package),
        ];
        match superfluous.iter().find(|(_, present)| *present) {
            Some((key, _)) => Err(MalformedPrice::Superfluous(self.model, key)),
            None => Ok(()),
        }
    }

    fn amount(&self) -> Result<Decimal, MalformedPrice> {
        let text = self
            .amount
            .as_ref()
            .ok_or(MalformedPrice::Missing(self.model, "an `amount`, such as `\"29.00\"`"))?;
        Ok(self.currency.parse_major(text)?)
    }

    fn package_size(&self) -> Result<u64, MalformedPrice> {
        self.package_size
            .filter(|&size| size > 0)
            .ok_or(MalformedPrice::Missing(self.model, "a `package_size` of at least 1"))
    }

    fn tiers(&self) -> Result<Vec<Tier>, MalformedPrice> {
        let tiers =
            self.tiers.as_ref().ok_or(MalformedPrice::Missing(self.model, "a list of `tiers`"))?;
        tiers.iter().map(|tier| tier.read(self.currency).map_err(MalformedPrice::from)).collect()
    }
}

impl TierFile {
    fn read(&self, currency: Currency) -> Result<Tier, MoneyError> {
        Ok(Tier {
            up_to: self.up_to,
            unit_amount: currency.parse_major(&self.unit_amount)?,
            flat_amount: currency.parse_major(self.flat_amount.as_deref().unwrap_or("0"))?,
        })
    }

    fn write(tier: &Tier, currency: Currency) -> Self {
        Self {
            up_to: tier.up_to,
            unit_amount: currency.to_major(tier.unit_amount),
            flat_amount: Some(tier.flat_amount)
                .filter(|amount| !amount.is_zero())
                .map(|amount| currency.to_major(amount)),
        }
    }
}

impl From<Price> for PriceFile {
    fn from(price: Price) -> Self {
        let currency = price.currency;
        let written = |tiers: &[Tier]| {
            Some(tiers.iter().map(|tier| TierFile::write(tier, currency)).collect())
        };
        let (amount, package_size, tiers) = match &price.model {
            Model::Flat { amount } | Model::PerSeat { amount } => (Some(amount), None, None),
            Model::Package { amount, size } => (Some(amount), Some(*size), None),
            Model::Graduated { tiers } | Model::Volume { tiers } => (None, None, written(tiers)),
        };
        let amount = amount.map(|&amount| currency.to_major(amount));
        let model = price.model.kind();
        let Price { interval, interval_count, meter, .. } = price;
        Self { interval, interval_count, currency, model, meter, amount, package_size, tiers }
    }
}
