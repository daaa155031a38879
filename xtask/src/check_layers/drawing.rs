//! The drawing of a crate's rooms, floor above floor, as an SVG: the same for the same sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const BOX_WIDTH: usize = 128;
const BOX_HEIGHT: usize = 30;
const GAP: usize = 18;
const FLOOR_HEIGHT: usize = 92;
const MARGIN: usize = 24;

/// The floor of each room: one above the highest that it builds on.
fn floors(rooms: &BTreeMap<String, BTreeSet<String>>) -> BTreeMap<&str, usize> {
    let mut floors: BTreeMap<&str, usize> = rooms.keys().map(|name| (name.as_str(), 0)).collect();
    // Without circles the longest way down has fewer steps than there are rooms.
    for _ in 0..rooms.len() {
        for (name, below) in rooms {
            let highest = below.iter().filter_map(|it| floors.get(it.as_str())).max();
            floors.insert(name, highest.map_or(0, |floor| floor + 1));
        }
    }
    floors
}

/// Draws rooms and the arrows between them.
pub(super) fn draw(title: &str, rooms: &BTreeMap<String, BTreeSet<String>>) -> String {
    let floors = floors(rooms);
    let top = floors.values().max().copied().unwrap_or(0);
    let on = |floor: usize| floors.iter().filter(move |(_, it)| **it == floor).map(|(name, _)| *name);
    let widest = (0..=top).map(|floor| on(floor).count()).max().unwrap_or(1);
    let width = 2 * MARGIN + widest * (BOX_WIDTH + GAP) - GAP;
    let height = 2 * MARGIN + 24 + top * FLOOR_HEIGHT + BOX_HEIGHT;
    let mut places = BTreeMap::new();
    for floor in 0..=top {
        let row = on(floor).count() * (BOX_WIDTH + GAP) - GAP;
        for (place, name) in on(floor).enumerate() {
            let x = (width - row) / 2 + place * (BOX_WIDTH + GAP);
            let y = MARGIN + 24 + (top - floor) * FLOOR_HEIGHT;
            places.insert(name, (x, y));
        }
    }
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"monospace\" \
         font-size=\"13\">\n<title>{title}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"{MARGIN}\" y=\"{}\" fill=\"#222222\">{title}</text>\n",
        MARGIN + 4
    );
    for (name, below) in rooms {
        for other in below {
            let ((x1, y1), (x2, y2)) = (places[name.as_str()], places[other.as_str()]);
            let _ = writeln!(
                svg,
                "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"#8899aa\"><title>{name} → {other}</title></line>",
                x1 + BOX_WIDTH / 2,
                y1 + BOX_HEIGHT,
                x2 + BOX_WIDTH / 2,
                y2
            );
        }
    }
    for (name, (x, y)) in &places {
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"4\" fill=\"#eef3f8\" stroke=\"#334455\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"#112233\">{name}</text>",
            x + BOX_WIDTH / 2,
            y + 20
        );
    }
    svg.push_str("</svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_stands_above_all_that_it_builds_on() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let rooms = BTreeMap::from([
            ("open".to_owned(), names(&["call", "custody"])),
            ("call".to_owned(), names(&["cache"])),
            ("cache".to_owned(), names(&["custody"])),
            ("custody".to_owned(), names(&[])),
        ]);
        let floors = floors(&rooms);
        assert_eq!((floors["custody"], floors["cache"], floors["call"], floors["open"]), (0, 1, 2, 3));
        let svg = draw("x", &rooms);
        assert_eq!(svg.matches("<line").count(), 4);
        assert_eq!(svg, draw("x", &rooms));
    }
}
