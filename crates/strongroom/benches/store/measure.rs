//! The measurements: each a median of many runs on credentials all over the table.

use std::error::Error;
use std::time::{Duration, Instant};

use strongroom::{Actor, CredentialFilter, CredentialService, Options, Provider, Secret, Strongroom};

use crate::fill::name;

/// Runs of a read, of a page, and of a start.
const READS: u64 = 400;
const PAGES: usize = 150;
const STARTS: usize = 25;

/// What was measured, and its median.
pub(crate) type Medians = Vec<(&'static str, Duration)>;

/// Measures everything on a filled database.
pub(crate) async fn all(url: &str, key: &Secret, rows: u64) -> Result<Medians, Box<dyn Error>> {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let opened = Strongroom::open_or_make(Options::new(url, key.clone())).await?;
        starts.push(begun.elapsed());
        opened.room.close().await.expect("nothing is lost");
    }
    let room = Strongroom::open(Options::new(url, key.clone())).await?;
    let service = room.credentials(Actor::library());
    let mut medians = reads(&service, rows).await?;
    medians.extend(pages(&service, rows).await?);
    medians.push(("start", median(starts)));
    room.close().await.expect("nothing is lost");
    Ok(medians)
}

async fn reads(service: &CredentialService, rows: u64) -> Result<Medians, Box<dyn Error>> {
    let mut metadata = Vec::new();
    let mut counted = Vec::new();
    for run in 0..READS {
        let name = name(spread(run, rows));
        let begun = Instant::now();
        service.rate_limit_status(&name).await?;
        metadata.push(begun.elapsed());
        let begun = Instant::now();
        service.get_credential(&name, None).await?.ok_or("a credential is missing")?;
        counted.push(begun.elapsed());
    }
    Ok(vec![("metadata by name", median(metadata)), ("a key by name, counted and audited", median(counted))])
}

async fn pages(service: &CredentialService, rows: u64) -> Result<Medians, Box<dyn Error>> {
    let first = |limit| Page { filter: CredentialFilter::default(), after: 0, limit };
    let middle = i64::try_from(rows)? / 2;
    let with_prefix =
        |prefix: &str| CredentialFilter { name_prefix: Some(prefix.to_owned()), ..Default::default() };
    let of_provider =
        |name| Provider::parse(name).map(|it| CredentialFilter { provider: Some(it), ..Default::default() });
    let team = each_name(rows, |name| Page { filter: with_prefix(&name[..9]), ..first(50) });
    let exact = each_name(rows, |name| {
        let filter = CredentialFilter { name: Some(name.to_owned()), ..Default::default() };
        Page { filter, ..first(1) }
    });
    // Pages have as many credentials among few rows as among many: where there are only 50 or 20 to list, the page is
    // not larger.
    let measured = [
        ("list: the first 100", vec![first(100)]),
        ("list: 50 in the middle", vec![Page { after: middle, ..first(50) }]),
        ("list: the 50 names with a prefix", team),
        (
            "list: 100 of the names with all's prefix",
            vec![Page { filter: with_prefix("team-"), ..first(100) }],
        ),
        ("list: exactly one name", exact),
        ("list: 20 of a provider", vec![Page { filter: of_provider("openai")?, ..first(20) }]),
        ("list: of a provider without any", vec![Page { filter: of_provider("none")?, ..first(0) }]),
    ];
    let mut medians = Vec::new();
    for (what, pages) in measured {
        medians.push((what, listed(service, &pages).await?));
    }
    Ok(medians)
}

/// A page to ask for; it is full.
struct Page {
    filter: CredentialFilter,
    after: i64,
    limit: usize,
}

/// The median over these pages in turn.
async fn listed(service: &CredentialService, pages: &[Page]) -> Result<Duration, Box<dyn Error>> {
    let mut times = Vec::new();
    for Page { filter, after, limit } in pages.iter().cycle().take(PAGES) {
        let begun = Instant::now();
        let page = service.list(filter, *after, i64::try_from(*limit)?).await?;
        times.push(begun.elapsed());
        if page.items.len() != *limit {
            return Err(
                format!("a page of {filter:?} has {} credentials, not {limit}", page.items.len()).into()
            );
        }
    }
    Ok(median(times))
}

fn each_name(rows: u64, page: impl Fn(&str) -> Page) -> Vec<Page> {
    (0..READS).map(|run| page(&name(spread(run, rows)))).collect()
}

/// Numbers all over the table, far from each other: multiples of a prime that no number of rows here shares.
const fn spread(run: u64, rows: u64) -> u64 {
    run * 7919 % rows
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
