//! Our types as columns of either database: one Rust type, the native column on each side.
//!
//! | in Rust | Postgres | SQLite |
//! | --- | --- | --- |
//! | ids | `uuid` | 16-byte `BLOB` |
//! | `Timestamp` | `timestamptz` | `TEXT`, RFC 3339 of fixed width, so that it sorts |
//! | words (statuses, Stripe's ids, currencies) | `text` | `TEXT` |
//! | `Json` | `jsonb` | `TEXT` that is checked JSON |
//! | counts, minor units | `bigint` | `INTEGER` |

use std::str::FromStr;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use sqlx::{
    Arguments as _, Decode, Encode, Postgres, Row as _, Type, ValueRef as _,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgRow, PgTypeInfo, PgValueRef},
    sqlite::{SqliteArguments, SqliteRow},
};
use tollhouse_domain::{
    id::{
        ApiKeyId, AuditId, CheckoutId, CreditGrantId, DeliveryId, DriftId, EventId, InvoiceId,
        MeterEventId, ReservationId, RetentionRunId, RunId, SessionId, SlotId, SubscriptionId,
        TenantId, UsageAlertId, UsageEventId, WebhookEndpointId,
    },
    time::Timestamp,
};
use uuid::Uuid;

use super::{DbError, DbResult};

/// Why a value could not become a parameter.
pub type EncodeError = BoxDynError;

/// The parameters of one statement.
pub enum Arguments {
    Sqlite(SqliteArguments),
    Postgres(PgArguments),
}

/// One row of an answer.
pub enum Row<'r> {
    Sqlite(&'r SqliteRow),
    Postgres(&'r PgRow),
}

impl Row<'_> {
    fn is_null(&self, column: &str) -> DbResult<bool> {
        match self {
            Row::Sqlite(row) => Ok(row.try_get_raw(column)?.is_null()),
            Row::Postgres(row) => Ok(row.try_get_raw(column)?.is_null()),
        }
    }
}

/// Something that can be a parameter.
pub trait Param {
    fn add_to(&self, arguments: &mut Arguments) -> Result<(), BoxDynError>;
    /// The parameter's type with no value.
    fn add_null_to(arguments: &mut Arguments) -> Result<(), BoxDynError>
    where
        Self: Sized;
}

/// Something that can be read from a column.
pub trait Column: Sized {
    fn read(row: &Row<'_>, column: &str) -> DbResult<Self>;
}

/// Something that can be read from a row; derived.
pub trait Record: Sized {
    fn read(row: &Row<'_>) -> DbResult<Self>;
}

impl<T: Param> Param for Option<T> {
    fn add_to(&self, arguments: &mut Arguments) -> Result<(), BoxDynError> {
        match self {
            Some(value) => value.add_to(arguments),
            None => T::add_null_to(arguments),
        }
    }

    fn add_null_to(arguments: &mut Arguments) -> Result<(), BoxDynError> {
        T::add_null_to(arguments)
    }
}

impl<T: Column> Column for Option<T> {
    fn read(row: &Row<'_>, column: &str) -> DbResult<Self> {
        if row.is_null(column)? { Ok(None) } else { T::read(row, column).map(Some) }
    }
}

impl<T: Param> Param for &T {
    fn add_to(&self, arguments: &mut Arguments) -> Result<(), BoxDynError> {
        (*self).add_to(arguments)
    }

    fn add_null_to(arguments: &mut Arguments) -> Result<(), BoxDynError> {
        T::add_null_to(arguments)
    }
}

/// Types both drivers know.
macro_rules! native {
    ($($native:ty),+) => {$(
        impl Param for $native {
            fn add_to(&self, arguments: &mut Arguments) -> Result<(), BoxDynError> {
                match arguments {
                    Arguments::Sqlite(arguments) => arguments.add(self.clone()),
                    Arguments::Postgres(arguments) => arguments.add(self.clone()),
                }
            }

            fn add_null_to(arguments: &mut Arguments) -> Result<(), BoxDynError> {
                match arguments {
                    Arguments::Sqlite(arguments) => arguments.add(None::<$native>),
                    Arguments::Postgres(arguments) => arguments.add(None::<$native>),
                }
            }
        }

        impl Column for $native {
            fn read(row: &Row<'_>, column: &str) -> DbResult<Self> {
                match row {
                    Row::Sqlite(row) => row.try_get(column),
                    Row::Postgres(row) => row.try_get(column),
                }
            }
        }
    )+};
}

native!(i64, bool, String, Vec<u8>, Uuid);

impl Param for &str {
    fn add_to(&self, arguments: &mut Arguments) -> Result<(), BoxDynError> {
        (*self).to_owned().add_to(arguments)
    }

    fn add_null_to(arguments: &mut Arguments) -> Result<(), BoxDynError> {
        String::add_null_to(arguments)
    }
}

/// Our ids, kept as the UUIDs they are.
macro_rules! uuids {
    ($($id:ty),+ $(,)?) => {$(
        impl Param for $id {
            fn add_to(&self, arguments: &mut Arguments) -> Result<(), BoxDynError> {
                self.as_uuid().add_to(arguments)
            }

            fn add_null_to(arguments: &mut Arguments) -> Result<(), BoxDynError> {
                Uuid::add_null_to(arguments)
            }
        }

        impl Column for $id {
            fn read(row: &Row<'_>, column: &str) -> DbResult<Self> {
                Uuid::read(row, column).map(Self::from_uuid)
            }
        }
    )+};
}

uuids!(
    ApiKeyId,
    SessionId,
    TenantId,
    CheckoutId,
    SubscriptionId,
    InvoiceId,
    SlotId,
    DeliveryId,
    EventId,
    AuditId,
    RunId,
    RetentionRunId,
    DriftId,
    WebhookEndpointId,
    UsageEventId,
    ReservationId,
    CreditGrantId,
    UsageAlertId,
    MeterEventId
);

/// Types kept as the word they print: `Display` writes it, `FromStr` reads it.
macro_rules! words {
    ($($word:ty),+ $(,)?) => {$(
        impl $crate::db::Param for $word {
            fn add_to(
                &self,
                arguments: &mut $crate::db::Arguments,
            ) -> Result<(), $crate::db::EncodeError> {
                $crate::db::Param::add_to(&self.to_string(), arguments)
            }

            fn add_null_to(
                arguments: &mut $crate::db::Arguments,
            ) -> Result<(), $crate::db::EncodeError> {
                <String as $crate::db::Param>::add_null_to(arguments)
            }
        }

        impl $crate::db::Column for $word {
            fn read(row: &$crate::db::Row<'_>, column: &str) -> $crate::db::DbResult<Self> {
                $crate::db::word(row, column)
            }
        }
    )+};
}
pub(crate) use words;

words!(
    tollhouse_domain::actor::Role,
    tollhouse_domain::money::Currency,
    tollhouse_domain::price::Interval,
    tollhouse_domain::plan::PlanKind,
    tollhouse_domain::plan::Aggregation,
    tollhouse_domain::plan::LimitPeriod,
    tollhouse_domain::entitlement::ReservationState,
    tollhouse_domain::subscription::Status,
    tollhouse_domain::event::EventType,
    tollhouse_domain::invoice::InvoiceStatus,
    tollhouse_domain::revenue::Fact,
    tollhouse_domain::checkout::CheckoutState,
    tollhouse_domain::tenant::TenantStatus,
    tollhouse_domain::reconcile::RunKind,
    tollhouse_domain::reconcile::RunState,
    tollhouse_domain::reconcile::Stage,
    tollhouse_domain::reconcile::DriftState,
    tollhouse_domain::usage::Window,
    tollhouse_domain::usage::MeterEventState,
    tollhouse_stripe::CustomerId,
    tollhouse_stripe::PriceId,
    tollhouse_stripe::ScheduleId,
    tollhouse_stripe::SubscriptionId,
    tollhouse_stripe::CheckoutSessionId,
    tollhouse_domain::money_back::RefundStatus,
    tollhouse_domain::money_back::CreditNoteStatus,
    tollhouse_domain::dispute::DisputeStatus,
    tollhouse_stripe::InvoiceId,
    tollhouse_stripe::InvoiceLineId,
    tollhouse_stripe::InvoicePaymentId,
    tollhouse_stripe::RefundId,
    tollhouse_stripe::DisputeId,
    tollhouse_stripe::CreditNoteId,
    tollhouse_stripe::CouponId,
    tollhouse_stripe::PromotionCodeId,
    tollhouse_stripe::EventId,
);

/// Reads a column that [`words`] wrote.
pub(crate) fn word<T: FromStr>(row: &Row<'_>, column: &str) -> DbResult<T> {
    let text = String::read(row, column)?;
    text.parse().map_err(|_| DbError::ColumnDecode {
        index: column.to_owned(),
        source: format!("`{text}` is not a value this version knows").into(),
    })
}

impl Param for Timestamp {
    fn add_to(&self, arguments: &mut Arguments) -> Result<(), BoxDynError> {
        match arguments {
            Arguments::Sqlite(arguments) => arguments.add(self.fixed_width()),
            Arguments::Postgres(arguments) => arguments.add(PgTime(*self)),
        }
    }

    fn add_null_to(arguments: &mut Arguments) -> Result<(), BoxDynError> {
        match arguments {
            Arguments::Sqlite(arguments) => arguments.add(None::<String>),
            Arguments::Postgres(arguments) => arguments.add(None::<PgTime>),
        }
    }
}

impl Column for Timestamp {
    fn read(row: &Row<'_>, column: &str) -> DbResult<Self> {
        match row {
            Row::Sqlite(_) => word(row, column),
            Row::Postgres(row) => row.try_get::<PgTime, _>(column).map(|time| time.0),
        }
    }
}

/// Postgres counts microseconds from the year 2000.
struct PgTime(Timestamp);

const MICROSECONDS_1970_TO_2000: i64 = 946_684_800_000_000;

impl Type<Postgres> for PgTime {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("timestamptz")
    }

    fn compatible(other: &PgTypeInfo) -> bool {
        other.to_string().eq_ignore_ascii_case("timestamptz")
    }
}

impl Encode<'_, Postgres> for PgTime {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let microseconds = self.0.as_microsecond() - MICROSECONDS_1970_TO_2000;
        <i64 as Encode<Postgres>>::encode(microseconds, buffer)
    }
}

impl<'r> Decode<'r, Postgres> for PgTime {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let microseconds = <i64 as Decode<Postgres>>::decode(value)?;
        Timestamp::from_microsecond(microseconds + MICROSECONDS_1970_TO_2000)
            .map(Self)
            .ok_or_else(|| "a time outside of the calendar".into())
    }
}

/// A JSON document as text: numbers keep their digits, as no float would. Postgres reorders the keys.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Writes `value` down.
    ///
    /// # Errors
    /// When it has no JSON form (a map with keys that are no text).
    pub fn of(value: &impl Serialize) -> serde_json::Result<Self> {
        serde_json::value::to_raw_value(value).map(Self)
    }

    /// Reads it as a `T`.
    ///
    /// # Errors
    /// When its shape is another.
    pub fn to<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.0.get())
    }

    pub fn text(&self) -> &str {
        self.0.get()
    }
}

impl From<Json> for Box<RawValue> {
    fn from(json: Json) -> Self {
        json.0
    }
}

impl From<Box<RawValue>> for Json {
    fn from(raw: Box<RawValue>) -> Self {
        Self(raw)
    }
}

impl Param for Json {
    fn add_to(&self, arguments: &mut Arguments) -> Result<(), BoxDynError> {
        match arguments {
            Arguments::Sqlite(arguments) => arguments.add(self.0.get().to_owned()),
            Arguments::Postgres(arguments) => arguments.add(sqlx::types::Json(self.0.clone())),
        }
    }

    fn add_null_to(arguments: &mut Arguments) -> Result<(), BoxDynError> {
        match arguments {
            Arguments::Sqlite(arguments) => arguments.add(None::<String>),
            Arguments::Postgres(arguments) => arguments.add(None::<sqlx::types::JsonValue>),
        }
    }
}

impl Column for Json {
    fn read(row: &Row<'_>, column: &str) -> DbResult<Self> {
        match row {
            Row::Sqlite(row) => {
                let text: String = row.try_get(column)?;
                RawValue::from_string(text)
                    .map(Self)
                    .map_err(|source| DbError::Decode(Box::new(source)))
            }
            Row::Postgres(row) => {
                row.try_get::<sqlx::types::Json<Box<RawValue>>, _>(column).map(|json| Self(json.0))
            }
        }
    }
}
