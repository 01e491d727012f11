//! All SQL of `coupons` and `promotion_codes`.

use tollhouse_domain::time::Timestamp;
use tollhouse_sql::{Record, sql};
use tollhouse_stripe::{CouponId, PromotionCodeId};

use crate::db::{Conn, DbResult, Json};

/// Our picture of one of Stripe's coupons.
#[derive(Clone, Debug, Record)]
pub struct Coupon {
    pub id: CouponId,
    /// Whether Stripe has it no more.
    pub deleted: bool,
    pub created_at: Timestamp,
    /// How often this row was written.
    pub version: i64,
    pub stripe_object: Json,
    pub updated_at: Timestamp,
}

/// Our picture of one of Stripe's promotion codes.
#[derive(Clone, Debug, Record)]
pub struct PromotionCode {
    pub id: PromotionCodeId,
    /// In small letters.
    pub code: String,
    pub coupon_id: CouponId,
    pub created_at: Timestamp,
    /// How often this row was written.
    pub version: i64,
    /// With its coupon.
    pub stripe_object: Json,
    pub updated_at: Timestamp,
}

/// Locks the row, where it is in a transaction, until the end of it.
pub async fn find_coupon(conn: &mut Conn, id: &CouponId) -> DbResult<Option<Coupon>> {
    let for_update = conn.for_update();
    conn.query("SELECT * FROM coupons WHERE 1 = 1")
        .filter(" AND id = ?", Some(id))
        .push(for_update)
        .optional()
        .await
}

/// Those that can still be shown: newest first, one more than `limit` when there are more.
pub async fn list_coupons(
    conn: &mut Conn,
    after: Option<&CouponId>,
    limit: i64,
) -> DbResult<Vec<Coupon>> {
    conn.query("SELECT * FROM coupons WHERE NOT deleted")
        .filter(
            " AND (created_at, id) < (SELECT c.created_at, c.id FROM coupons c WHERE c.id = ?)",
            after,
        )
        .filter(" ORDER BY created_at DESC, id DESC LIMIT ?", Some(limit + 1))
        .all()
        .await
}

/// `false` where somebody inserted it meanwhile.
pub async fn insert_coupon(conn: &mut Conn, row: &Coupon) -> DbResult<bool> {
    let inserted = sql!(
        conn,
        "INSERT INTO coupons (id, deleted, created_at, version, stripe_object, updated_at)
         VALUES ({row.id}, {row.deleted}, {row.created_at}, {row.version}, {row.stripe_object},
             {row.updated_at})
         ON CONFLICT (id) DO NOTHING"
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

pub async fn update_coupon(conn: &mut Conn, row: &Coupon) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE coupons SET deleted = {row.deleted}, created_at = {row.created_at},
             version = version + 1, stripe_object = {row.stripe_object}, updated_at = {row.updated_at}
         WHERE id = {row.id}"
    )
    .execute()
    .await?;
    Ok(())
}

/// Locks the row, where it is in a transaction, until the end of it.
pub async fn find_promotion_code(
    conn: &mut Conn,
    id: &PromotionCodeId,
) -> DbResult<Option<PromotionCode>> {
    let for_update = conn.for_update();
    conn.query("SELECT * FROM promotion_codes WHERE 1 = 1")
        .filter(" AND id = ?", Some(id))
        .push(for_update)
        .optional()
        .await
}

/// Which promotion codes are asked for.
#[derive(Debug, Default)]
pub struct Filter {
    pub coupon: Option<CouponId>,
    /// In small letters.
    pub code: Option<String>,
    pub after: Option<PromotionCodeId>,
}

/// Newest first, one more than `limit` when there are more.
pub async fn list_promotion_codes(
    conn: &mut Conn,
    filter: &Filter,
    limit: i64,
) -> DbResult<Vec<PromotionCode>> {
    conn.query("SELECT * FROM promotion_codes WHERE 1 = 1")
        .filter(" AND coupon_id = ?", filter.coupon.as_ref())
        .filter(" AND code = ?", filter.code.as_ref())
        .filter(
            " AND (created_at, id) < (SELECT c.created_at, c.id FROM promotion_codes c WHERE c.id = ?)",
            filter.after.as_ref(),
        )
        .filter(" ORDER BY created_at DESC, id DESC LIMIT ?", Some(limit + 1))
        .all()
        .await
}

/// `false` where somebody inserted it meanwhile.
pub async fn insert_promotion_code(conn: &mut Conn, row: &PromotionCode) -> DbResult<bool> {
    let inserted = sql!(
        conn,
        "INSERT INTO promotion_codes (id, code, coupon_id, created_at, version, stripe_object, updated_at)
         VALUES ({row.id}, {row.code}, {row.coupon_id}, {row.created_at}, {row.version},
             {row.stripe_object}, {row.updated_at})
         ON CONFLICT (id) DO NOTHING"
    )
    .execute()
    .await?;
    Ok(inserted == 1)
}

pub async fn update_promotion_code(conn: &mut Conn, row: &PromotionCode) -> DbResult<()> {
    sql!(
        conn,
        "UPDATE promotion_codes SET code = {row.code}, coupon_id = {row.coupon_id},
             version = version + 1, stripe_object = {row.stripe_object}, updated_at = {row.updated_at}
         WHERE id = {row.id}"
    )
    .execute()
    .await?;
    Ok(())
}
