//! How this installation is registered at authorization servers.

use super::transaction::{Tx, on};

pub(crate) async fn find(
    tx: &mut Tx,
    issuer: &str,
    redirect_uri: &str,
) -> sqlx::Result<Option<Vec<u8>>> {
    on!(tx, connection => {
        sqlx::query_scalar(
            "SELECT sealed FROM client_registrations WHERE issuer = $1 AND redirect_uri = $2",
        )
        .bind(issuer)
        .bind(redirect_uri)
        .fetch_optional(connection)
        .await
    })
}

pub(crate) async fn save(
    tx: &mut Tx,
    issuer: &str,
    redirect_uri: &str,
    sealed: &[u8],
) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query(
            "INSERT INTO client_registrations (issuer, redirect_uri, sealed) VALUES ($1, $2, $3) \
             ON CONFLICT (issuer, redirect_uri) DO UPDATE SET sealed = $3",
        )
        .bind(issuer)
        .bind(redirect_uri)
        .bind(sealed)
        .execute(connection)
        .await
        .map(|_| ())
    })
}

pub(crate) async fn delete(tx: &mut Tx, issuer: &str, redirect_uri: &str) -> sqlx::Result<()> {
    on!(tx, connection => {
        sqlx::query("DELETE FROM client_registrations WHERE issuer = $1 AND redirect_uri = $2")
            .bind(issuer)
            .bind(redirect_uri)
            .execute(connection)
            .await
            .map(|_| ())
    })
}
