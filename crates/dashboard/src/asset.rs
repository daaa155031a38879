//! Files that pages load: part of the program, and named by their content, so that a browser may keep them for ever.

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

/// The path below which they are served.
pub const FOLDER: &str = "/dashboard/assets/";

/// A file.
#[derive(Debug)]
pub struct Asset {
    /// Its name, with the beginning of the SHA-256 of its content.
    pub name: String,
    /// Its media type.
    pub media_type: &'static str,
    /// Its content.
    pub content: &'static str,
}

impl Asset {
    fn new(stem: &str, extension: &str, media_type: &'static str, content: &'static str) -> Self {
        let digest = Sha256::digest(content.as_bytes());
        let mark: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self { name: format!("{stem}-{mark}.{extension}"), media_type, content }
    }

    /// The path under which it is served.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{FOLDER}{}", self.name)
    }
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("style", "css", "text/css; charset=utf-8", include_str!("../assets/style.css"))
});
static SIGN_IN: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("sign-in", "js", "text/javascript; charset=utf-8", include_str!("../assets/sign-in.js"))
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("strongroom", "js", "text/javascript; charset=utf-8", include_str!("../assets/strongroom.js"))
});
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("../assets/icon.svg")));

/// The stylesheet of every page.
pub(crate) fn style() -> &'static Asset {
    &STYLE
}

/// The script that takes a code out of the address.
pub(crate) fn sign_in_script() -> &'static Asset {
    &SIGN_IN
}

/// The script of every page: what makes it quicker to use.
pub(crate) fn script() -> &'static Asset {
    &SCRIPT
}

/// The icon of every page.
pub(crate) fn icon() -> &'static Asset {
    &ICON
}

/// The file with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Asset> {
    [style(), script(), sign_in_script(), icon()].into_iter().find(|asset| asset.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_full_name_alone() {
        assert!(std::ptr::eq(find(&style().name).unwrap(), style()));
        assert!(find("style.css").is_none() && find("").is_none() && find("../style.css").is_none());
        assert_eq!(style().name.len(), "style-.css".len() + 12);
    }

    #[test]
    fn what_a_page_loads_the_first_time_is_small() {
        let bytes: usize =
            [style(), script(), sign_in_script(), icon()].iter().map(|asset| asset.content.len()).sum();
        assert!(bytes < 36 * 1024, "{bytes} bytes before they are compressed");
    }
}
