//! Brings a file's schema up to this program's, in one transaction: it is old or new, never between. Migrations only add.

use crate::table;
use crate::{Result, StoreError};
use rusqlite::{Connection, TransactionBehavior};

/// One step of the schema.
#[derive(Clone, Copy)]
pub(crate) struct Migration {
    /// The `user_version` after it, from 1 upwards.
    pub number: i64,
    /// What each table adds.
    pub sql: &'static [&'static str],
    /// The oldest step whose program can still use the file afterwards.
    pub oldest_reader: i64,
    /// The first version of the program that knows that step; named to people who have an older one.
    pub oldest_program: &'static str,
}

/// Every step, oldest first.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        sql: &[
            table::meta::CREATE,
            table::space::CREATE,
            table::blob::CREATE,
            table::document::CREATE,
            table::version::CREATE,
            table::page::CREATE,
            table::passage::CREATE,
            table::fulltext::CREATE,
            table::vector::CREATE,
            table::conversation::CREATE,
            table::turn::CREATE,
            table::citation::CREATE,
            table::trace::CREATE,
            table::job::CREATE,
            table::memory::CREATE,
            table::ledger::CREATE,
            table::setting::CREATE,
            table::audit::CREATE,
            table::audit::IN_ORDER,
        ],
        oldest_reader: 1,
        oldest_program: "0.1.0",
    },
    Migration { number: 2, sql: &[table::reading::CREATE], oldest_reader: 1, oldest_program: "0.1.0" },
    Migration { number: 3, sql: &[table::reindex::CREATE], oldest_reader: 3, oldest_program: "0.1.0" },
    Migration { number: 4, sql: &[table::watch::CREATE], oldest_reader: 3, oldest_program: "0.1.0" },
    Migration { number: 5, sql: &[table::recipe::CREATE], oldest_reader: 3, oldest_program: "0.1.0" },
    Migration { number: 6, sql: &[table::law::CREATE], oldest_reader: 3, oldest_program: "0.1.0" },
    Migration { number: 7, sql: &[table::mark::CREATE], oldest_reader: 3, oldest_program: "0.1.0" },
    Migration {
        number: 8,
        sql: &[table::ledger::WHO_AND_LABEL, table::spend::CREATE, table::sealed::CREATE],
        oldest_reader: 3,
        oldest_program: "0.1.0",
    },
    Migration { number: 9, sql: &[table::organization::CREATE], oldest_reader: 9, oldest_program: "0.1.0" },
    Migration { number: 10, sql: &[table::space::LABEL], oldest_reader: 10, oldest_program: "0.1.0" },
    Migration {
        number: 11,
        sql: &[table::alike::CREATE, table::vocabulary::OF_INDEX],
        oldest_reader: 10,
        oldest_program: "0.1.0",
    },
    Migration { number: 12, sql: &[table::inside::CREATE], oldest_reader: 10, oldest_program: "0.1.0" },
    Migration { number: 13, sql: &[table::page::WORDS], oldest_reader: 10, oldest_program: "0.1.0" },
    Migration { number: 14, sql: &[table::review::CREATE], oldest_reader: 10, oldest_program: "0.1.0" },
    Migration { number: 15, sql: &[table::contest::CREATE], oldest_reader: 10, oldest_program: "0.1.0" },
    Migration {
        number: 16,
        sql: &[table::vocabulary::CREATE, table::vocabulary::FROM_INDEX],
        oldest_reader: 10,
        oldest_program: "0.1.0",
    },
];

/// Applies what is missing of `migrations`. A file that a newer program wrote is left as it is: it opens when its
/// `oldest_reader` allows, else [`StoreError::NeedsNewer`] names the version.
pub(crate) fn migrate(db: &mut Connection, migrations: &[Migration]) -> Result<()> {
    let latest = migrations.last().map_or(0, |last| last.number);
    let current: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if current > latest {
        let oldest = table::meta::integer(db, "oldest_reader")?.unwrap_or(i64::MAX);
        if oldest > latest {
            let version = table::meta::text(db, "oldest_program")?.unwrap_or_else(|| "a newer one".into());
            return Err(StoreError::NeedsNewer { version });
        }
        return Ok(());
    }
    if current == latest {
        return Ok(());
    }
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in migrations.iter().filter(|migration| migration.number > current) {
        for sql in migration.sql {
            transaction.execute_batch(sql)?;
        }
        table::meta::set(&transaction, "oldest_reader", migration.oldest_reader)?;
        table::meta::set(&transaction, "oldest_program", migration.oldest_program)?;
        transaction.pragma_update(None, "user_version", migration.number)?;
    }
    transaction.commit()?;
    Ok(())
}
