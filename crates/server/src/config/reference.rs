//! The example file and the tables of the reference, written from the table of settings.

use std::fmt::Write as _;

use super::SECTIONS;
use super::setting::{
    CLIENT_VARIABLES, CONFIG_FILE, CONFIG_VARIABLE, DefaultValue, Setting, ValueKind, file_variable,
};

/// The lines between which the reference is written into `docs/configuration.md`.
pub const REFERENCE_MARKS: (&str, &str) = (
    "<!-- settings: written from the table in crates/server/src/config/, do not edit -->\n",
    "<!-- end of settings -->\n",
);

/// The text of `strongroom.example.toml`: every setting, commented out.
#[must_use]
pub fn example_file() -> String {
    let mut text = format!(
        "# An example of {CONFIG_FILE}: everything that can be set. A line that begins with `#` and no space is a setting;\n\
         # take the `#` away to use it. Variables in the environment are stronger than this file. docs/configuration.md\n\
         # says more. This file is written from the program's own table of settings.\n"
    );
    // Formatting into a string cannot fail: its results are let go.
    for section in SECTIONS {
        if !section.name.is_empty() {
            let _ = writeln!(text, "\n# {}\n[{}]", section.doc, section.name);
        }
        for setting in section.settings {
            let _ = writeln!(text, "\n# {}", setting.doc);
            let _ = writeln!(text, "# Default: {}\n# {}", plain_default(setting), other_ways(setting));
            if setting.is_secret() {
                let _ = writeln!(
                    text,
                    "# Either `{key}`, the value, or `{key}_file`, a path.",
                    key = setting.key
                );
            }
            let _ = writeln!(text, "#{}", setting.sample);
        }
    }
    text
}

/// The tables of settings for `docs/configuration.md`, in Markdown.
#[must_use]
pub fn reference_markdown() -> String {
    let mut text = String::new();
    for section in SECTIONS {
        let heading = if section.name.is_empty() {
            "Top of the file".to_owned()
        } else {
            format!("Section `[{}]`", section.name)
        };
        let _ = writeln!(text, "\n### {heading}\n\n{}\n", section.doc);
        text.push_str("| Key | Variable | Form | Default | Meaning |\n|---|---|---|---|---|\n");
        for setting in section.settings {
            let key = both(setting, setting.key, |key| format!("{key}_file"));
            let variables: Vec<String> =
                setting.variables.iter().map(|variable| both(setting, variable, file_variable)).collect();
            let mut ways = variables.join("; ");
            if let Some(flag) = setting.flag {
                let _ = write!(ways, "; flag `{flag}`");
            }
            let default = match setting.default {
                DefaultValue::Value(value) => format!("`{value}`"),
                DefaultValue::Rule(rule) => rule.to_owned(),
            };
            let kind = kind_name(setting.kind);
            let _ = writeln!(text, "| {key} | {ways} | {kind} | {default} | {} |", setting.doc);
        }
    }
    text.push_str("\n### Variables without a key\n\n| Variable | Read by | Meaning |\n|---|---|---|\n");
    let _ = writeln!(
        text,
        "| `{CONFIG_VARIABLE}` | every command that reads the configuration; flag `--config` | The configuration file to \
         read instead of `{CONFIG_FILE}` in the working directory. |"
    );
    for variable in CLIENT_VARIABLES {
        let _ = writeln!(
            text,
            "| `{}` | the command line, from the real environment only | {} |",
            variable.name, variable.doc
        );
    }
    text.push('\n');
    text
}

fn kind_name(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Text => "text",
        ValueKind::Path => "path",
        ValueKind::Flag => "true or false",
        ValueKind::Number => "whole number",
        ValueKind::Secret => "secret",
    }
}

/// A name in code quotes, and its second one for a secret.
fn both(setting: &Setting, name: &str, second: impl Fn(&str) -> String) -> String {
    if setting.is_secret() { format!("`{name}` or `{}`", second(name)) } else { format!("`{name}`") }
}

fn plain_default(setting: &Setting) -> String {
    match setting.default {
        DefaultValue::Value(text) | DefaultValue::Rule(text) => text.replace('`', ""),
    }
}

fn other_ways(setting: &Setting) -> String {
    let variables: Vec<String> = setting.all_variables().collect();
    let flag = setting.flag.map(|flag| format!("; flag: {flag}")).unwrap_or_default();
    format!("Environment: {}{flag}", variables.join(", "))
}
