//! `cargo xtask check-layers`: who may depend on whom, the rules for files and their names, and words that are not used.

mod arrows;
mod command_line;
mod drawing;
mod modules;
mod sources;

use std::fs;

use anyhow::{Context, Result, bail};
use strongroom_testkit::real_parts::workspace_root;

use crate::{banned_words, workspace};
use modules::Modules;

/// The crate whose rooms are looked at, and the files of it that may name its facade.
const ROOMS: &str = "crates/strongroom/src/";
const FACADE: [&str; 2] = ["crates/strongroom/src/lib.rs", "crates/strongroom/src/open.rs"];
/// The server, whose modules are on no circle either.
const SERVER: &str = "crates/server/src/";
/// The drawing of its rooms.
const DRAWING: &str = "docs/architecture.svg";

/// The options of the chore.
#[derive(Default, clap::Args)]
pub(crate) struct Options {
    /// Draw the rooms of crates/strongroom into docs/architecture.svg
    #[arg(long)]
    draw: bool,
}

/// Prints every breach and fails if there is one.
pub(crate) fn run(options: &Options) -> Result<()> {
    let metadata = workspace::metadata()?;
    let mut breaches = arrows::breaches(&arrows::declared(&metadata));
    let root = metadata.workspace_root.as_std_path();
    let files = sources::read_all(root)?;
    breaches.extend(files.iter().flat_map(sources::breaches));
    breaches.extend(command_line::breaches(&files));
    breaches.extend(banned_words::breaches(&banned_words::count(root)?, &banned_words::kept(root)?));
    let rooms = Modules::read(ROOMS, &files);
    breaches.extend(rooms.circles());
    breaches.extend(rooms.root_items_outside(&FACADE));
    breaches.extend(Modules::read(SERVER, &files).circles());

    for breach in &breaches {
        println!("{breach}");
    }
    if !breaches.is_empty() {
        bail!("{} breaches of the layers (see ARCHITECTURE.md)", breaches.len());
    }
    println!("{} packages and {} source files keep to the layers", metadata.packages.len(), files.len());
    if options.draw {
        let path = workspace_root().join(DRAWING);
        fs::write(&path, drawn(&rooms)).with_context(|| format!("writing {}", path.display()))?;
        println!("{DRAWING} written");
    }
    Ok(())
}

fn drawn(rooms: &Modules) -> String {
    drawing::draw("The rooms of crates/strongroom: an arrow points down only", &rooms.rooms())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rooms() -> Modules {
        Modules::read(ROOMS, &sources::read_all(&workspace_root()).expect("the sources"))
    }

    #[test]
    fn no_room_of_the_product_is_on_a_circle_and_none_names_the_facade() {
        let rooms = rooms();
        assert!(rooms.rooms().len() > 20, "the rooms are found");
        assert_eq!(rooms.circles(), Vec::<String>::new());
        assert_eq!(rooms.root_items_outside(&FACADE), Vec::<String>::new());
    }

    #[test]
    fn no_module_of_the_server_is_on_a_circle() {
        let server = Modules::read(SERVER, &sources::read_all(&workspace_root()).expect("the sources"));
        for room in ["api", "cli", "config", "gateway", "http", "state", "wiring"] {
            assert!(server.rooms().contains_key(room), "{room} is found");
        }
        assert_eq!(server.circles(), Vec::<String>::new());
    }

    #[test]
    fn the_drawing_shows_the_rooms_as_they_are() {
        let present = fs::read_to_string(workspace_root().join(DRAWING)).unwrap_or_default();
        assert!(
            present == drawn(&rooms()),
            "{DRAWING} is out of date: run `cargo xtask check-layers --draw`"
        );
    }
}
