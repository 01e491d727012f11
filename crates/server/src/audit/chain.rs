//! The chain: every entry is sealed with the hash of the one before it, so that none can be changed, left out or
//! put in unseen. It proves that entries are as they were sealed; who can write to the whole database and
//! computes every later hash anew is found by a hash that was noted elsewhere.

use sha2::{Digest, Sha256};
use tollhouse_domain::id::TenantId;
use uuid::Uuid;

use super::queries::AuditEntry;
use crate::error::Result;

/// The chain of what concerns no single tenant.
pub const PLATFORM: Uuid = Uuid::nil();

/// Which chain an entry belongs to.
pub fn chain_of(entry: &AuditEntry) -> Uuid {
    entry.tenant_id.map_or(PLATFORM, TenantId::as_uuid)
}

/// The hash of an entry as number `number` of its chain, after an entry with the hash `before`.
///
/// It is taken over JSON with sorted keys: each database keeps JSON in its own way, and both are to say the same.
///
/// # Errors
/// Where the entry's data was not written by this program.
pub fn hash(before: &[u8], number: i64, entry: &AuditEntry) -> Result<Vec<u8>> {
    let data: serde_json::Value = entry.data.to()?;
    let sealed = serde_json::json!([
        number,
        entry.id,
        entry.tenant_id,
        entry.action,
        entry.actor_kind,
        entry.actor,
        entry.request_id,
        entry.address,
        entry.subject_kind,
        entry.subject_id,
        data,
        entry.occurred_at,
    ]);
    let mut digest = Sha256::new();
    digest.update(before);
    digest.update(sealed.to_string());
    Ok(digest.finalize().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Json;

    fn entry(data: &str) -> AuditEntry {
        AuditEntry {
            id: "0192f000-0000-7000-8000-000000000000".parse().unwrap(),
            tenant_id: None,
            action: "tenant.create".to_owned(),
            actor_kind: "user".to_owned(),
            actor: "ada".to_owned(),
            request_id: None,
            address: Some("192.0.2.1".to_owned()),
            subject_kind: "tenant".to_owned(),
            subject_id: "1".to_owned(),
            data: Json::of(&serde_json::from_str::<serde_json::Value>(data).unwrap()).unwrap(),
            occurred_at: "2026-11-20T12:00:00Z".parse().unwrap(),
            number: None,
            hash: None,
        }
    }

    #[test]
    fn the_same_entry_has_the_same_hash_for_ever() {
        let known = "6f9d930dc37850587ff7f8c59eed67dfcfa76d35b835a55558928f9168c64ccf";
        let first = hash(b"", 1, &entry(r#"{"b": 1, "a": [true, null]}"#)).unwrap();
        assert_eq!(hex::encode(&first), known);
        assert_eq!(first, hash(b"", 1, &entry(r#"{"a": [true, null], "b": 1}"#)).unwrap());
    }

    #[test]
    fn whatever_differs_has_another_hash() {
        let first = hash(b"", 1, &entry("{}")).unwrap();
        let changed = AuditEntry { actor: "bob".to_owned(), ..entry("{}") };
        for other in [
            hash(b"", 2, &entry("{}")).unwrap(),
            hash(b"x", 1, &entry("{}")).unwrap(),
            hash(b"", 1, &entry(r#"{"a": 1}"#)).unwrap(),
            hash(b"", 1, &changed).unwrap(),
        ] {
            assert_ne!(first, other);
        }
    }
}
