//! The places where a setting can stand, and which of them holds.

use std::path::{Path, PathBuf};

use strongroom_model::Secret;
use strongroom_model::secret_form::{Purpose, clean};

use super::dotenv_file::{self, DotenvFile};
use super::environment::{Environment, PROXY_VARIABLES, provider_variables};
use super::setting::{CLIENT_VARIABLES, CONFIG_VARIABLE, Setting, file_variable};
use super::toml_file::TomlFile;
use super::{Overrides, settings, unknown};

/// All sources, read once.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    flags: Vec<(&'static str, String)>,
    pub(super) environment: &'a Environment,
    dotenv: DotenvFile,
    file: Option<TomlFile>,
    /// True when files in the working directory do not decide where the database is.
    is_command: bool,
    is_file_named: bool,
    working_directory: &'a Path,
}

/// Settings that no file in the working directory decides, whatever the command, and what they decide: which key seals
/// everything, who comes in, and whether keys may be sent into the networks around this machine. Whoever can put a file into a
/// folder that somebody works in must not choose them.
const TRUSTED_ONLY: [(&str, &str); 7] = [
    ("encryption.key", "chooses the master key"),
    ("encryption.previous", "chooses the master key"),
    ("auth.jwt_secret", "says whose tokens are let in"),
    ("auth.admin_token", "says whose tokens are let in"),
    ("endpoints.allow_private", "says where keys may be sent"),
    ("endpoints.proxy", "says where keys may be sent"),
    ("alerts.allow", "says where alerts may be sent"),
];

fn decides(name: &str) -> Option<&'static str> {
    TRUSTED_ONLY.iter().find(|(trusted, _)| *trusted == name).map(|(_, what)| *what)
}

/// The settings that say where secrets go.
const PLACES: [&str; 2] = ["data_dir", "database.url"];

/// Text of a setting in the strongest source that has it.
#[derive(Debug)]
pub(super) struct Found<'a> {
    /// Where, in words fit for a message.
    pub(super) origin: String,
    /// The text there.
    pub(super) text: &'a str,
    /// True when that text is the path of a file which holds the value.
    pub(super) is_file: bool,
    /// Folder in which a relative path in it starts.
    pub(super) folder: &'a Path,
}

impl<'a> Sources<'a> {
    /// Reads all of them. What is wrong with a source as a whole goes to `problems`, what is only odd to `warnings`.
    pub(super) fn read(
        overrides: &Overrides,
        environment: &'a Environment,
        working_directory: &'a Path,
        problems: &mut Vec<String>,
        warnings: &mut Vec<String>,
    ) -> Self {
        for name in environment.not_text() {
            // No key is such a thing, and no command has to do without its settings for it.
            if provider_variables().any(|variable| variable == name) {
                warnings.push(format!("{name} in the environment is not text in UTF-8, and is passed over"));
            } else {
                problems.push(format!("{name} in the environment is not text in UTF-8"));
            }
        }
        let is_set = |name: &&&str| environment.get(name).is_some_and(|value| !value.trim().is_empty());
        let has_own = ["STRONGROOM_PROXY", "STRONGROOM_PROXY_FILE"].iter().any(|name| is_set(&name));
        if let Some(name) = PROXY_VARIABLES.iter().find(is_set).filter(|_| !overrides.is_command && !has_own)
        {
            warnings.push(format!(
                "{name} is set and not followed: providers are called directly, as a proxy could reach what the endpoint \
                 guard keeps calls from; to call them by way of it, set STRONGROOM_PROXY (and STRONGROOM_NO_PROXY)"
            ));
        }
        let dotenv = DotenvFile::read(working_directory, problems, warnings);
        for variable in CLIENT_VARIABLES.iter().filter(|variable| dotenv.get(variable.name).is_some()) {
            warnings.push(format!(
                "{} in {} is ignored: the command line reads it from the real environment only",
                variable.name,
                dotenv_file::NAME
            ));
        }
        warnings.extend(environment.iter().filter_map(|(name, value)| unknown::variable(name, value)));
        warnings.extend(
            dotenv
                .iter()
                .filter(|(name, _)| environment.get(name).is_none())
                .filter_map(|(name, value)| unknown::variable(name, value)),
        );
        let named = overrides.config.as_deref().map(|path| (path, "--config")).or_else(|| {
            let in_dotenv = || dotenv.get(CONFIG_VARIABLE).filter(|_| !overrides.is_command);
            let path = environment.get(CONFIG_VARIABLE).or_else(in_dotenv)?;
            Some((Path::new(path), CONFIG_VARIABLE))
        });
        let file = TomlFile::read(named, working_directory, problems, warnings);
        let is_file_named = overrides.config.is_some() || environment.get(CONFIG_VARIABLE).is_some();
        let (flags, is_command) = (flags(overrides, problems), overrides.is_command);
        let sources = Self { flags, environment, dotenv, file, is_command, is_file_named, working_directory };
        warnings.extend(sources.ignored_places());
        sources.tell_of_untrusted(problems, warnings);
        sources
    }

    /// Says of every line in the working directory that it decides nothing, where nothing stronger does.
    fn tell_of_untrusted(&self, problems: &mut Vec<String>, warnings: &mut Vec<String>) {
        for (setting, what) in settings().filter_map(|it| Some((it, decides(&it.name())?))) {
            let is_of_key = setting.name().starts_with("encryption.");
            let is_set = setting.all_variables().any(|variable| self.environment.get(&variable).is_some());
            let in_dotenv = setting.all_variables().filter_map(|variable| {
                Some((self.dotenv.get(&variable)?, format!("{variable} in {}", dotenv_file::NAME), variable))
            });
            let in_file = self.file.as_ref().filter(|_| !self.is_file_named).into_iter().flat_map(|file| {
                let names = [Some(setting.name()), setting.file_name()].into_iter().flatten();
                names.filter_map(|name| Some((file.get(&name)?, format!("{name} in {}", file.label), name)))
            });
            for (text, place, name) in in_dotenv.chain(in_file) {
                // A line that was meant for us and is written wrongly is not passed over.
                let is_value = setting.is_secret() && !name.ends_with("_FILE") && !name.ends_with("_file");
                let is_key =
                    text.trim().len() == 64 && text.trim().bytes().all(|byte| byte.is_ascii_hexdigit());
                if is_of_key && is_value && !is_key && !is_set && !self.is_command {
                    problems.push(format!(
                        "{place} is no master key, and none is taken from a file in the working directory; remove the \
                         line, or give the key as ENCRYPTION_KEY in the environment or as ENCRYPTION_KEY_FILE"
                    ));
                    continue;
                }
                let by_file = match setting.all_variables().find(|name| name.ends_with("_FILE")) {
                    Some(variable) if is_of_key => format!(", give the key in a file by {variable}"),
                    Some(variable) => format!(", give it in a file by {variable}"),
                    None => String::new(),
                };
                warnings.push(format!(
                    "{place} is ignored: no file in the working directory {what}; export the variable{by_file}, or name the \
                     configuration file with --config"
                ));
            }
        }
    }

    /// Warns of places that a command does not follow, and tells how to have them followed.
    fn ignored_places(&self) -> Vec<String> {
        let ours = |name: &&str| name.starts_with("STRONGROOM_") && self.dotenv.get(name).is_some();
        let names = [
            "STRONGROOM_DATA_DIR",
            "STRONGROOM_DATABASE_URL",
            "STRONGROOM_DATABASE_URL_FILE",
            CONFIG_VARIABLE,
        ];
        let variables =
            names.iter().copied().filter(ours).map(|name| format!("{name} in {}", dotenv_file::NAME));
        let in_file = self.file.as_ref().filter(|_| !self.is_file_named);
        let fields = in_file.into_iter().flat_map(|file| {
            let set = PLACES.into_iter().filter(|name| file.get(name).is_some());
            set.map(|name| format!("{name} in {}", file.label))
        });
        if !self.is_command {
            return Vec::new();
        }
        variables
            .chain(fields)
            .map(|place| {
                format!(
                    "{place} is ignored: `serve` follows it, but a command does not let a file in the working directory \
                     say where keys go; export the variable, or name the file with --config"
                )
            })
            .collect()
    }

    fn is_followed(&self, setting: &Setting) -> bool {
        let name = setting.name();
        let is_place = self.is_command && PLACES.contains(&name.as_str());
        !is_place && decides(&name).is_none()
    }

    /// The strongest source that has the setting.
    ///
    /// # Errors
    /// When one source has it as a value and as a file: nobody can tell which was meant.
    pub(super) fn find(&self, setting: &Setting) -> Result<Option<Found<'_>>, String> {
        if let Some((flag, text)) = self.flags.iter().find(|(flag, _)| setting.flag == Some(flag)) {
            let origin = (*flag).to_owned();
            return Ok(Some(Found { origin, text, is_file: false, folder: self.working_directory }));
        }
        // A variable of ours in .env is stronger than a general one in the environment: DATABASE_URL may be there
        // for another program.
        for variable in setting.variables {
            let second = setting.is_secret().then(|| file_variable(variable));
            let in_dotenv = self.is_followed(setting).then_some(Self::in_dotenv as LookUp<'a>);
            for look_up in std::iter::once(Self::in_environment as LookUp<'a>).chain(in_dotenv) {
                let file = second.as_deref().and_then(|name| look_up(self, name));
                if let Some((text, origin, is_file)) = either(look_up(self, variable), file)? {
                    return Ok(Some(Found { origin, text, is_file, folder: self.working_directory }));
                }
            }
        }
        let Some(file) = self.file.as_ref().filter(|_| self.is_file_named || self.is_followed(setting))
        else {
            return Ok(None);
        };
        let field = |name: &str| Some((file.get(name)?, format!("{name} in {}", file.label)));
        let found = either(field(&setting.name()), setting.file_name().as_deref().and_then(field))?;
        Ok(found.map(|(text, origin, is_file)| Found { origin, text, is_file, folder: &file.folder }))
    }

    fn in_environment(&self, name: &str) -> Place<'_> {
        Some((self.environment.get(name)?, name.to_owned()))
    }

    fn in_dotenv(&self, name: &str) -> Place<'_> {
        let (text, line) = (self.dotenv.get(name)?, self.dotenv.line(name)?);
        Some((text, format!("{name} ({} line {line})", dotenv_file::NAME)))
    }

    /// The keys of providers that stand in the environment or in `.env`; the environment wins, an empty one hides the other.
    pub(super) fn provider_environment(&self) -> Vec<(String, Secret)> {
        provider_variables()
            .filter_map(|name| Some((name, self.environment.get(name).or_else(|| self.dotenv.get(name))?)))
            .filter(|(_, value)| !value.trim().is_empty())
            .map(|(name, value)| {
                // Without what is certainly wrapping; what cannot be used stays, and is told of.
                let cleaned = clean(value, Purpose::ApiKey).map(|cleaned| cleaned.secret);
                (name.to_owned(), cleaned.unwrap_or_else(|_| Secret::from(value)))
            })
            .collect()
    }
}

/// A text and where it stands.
type Place<'a> = Option<(&'a str, String)>;

type LookUp<'a> = for<'s> fn(&'s Sources<'a>, &str) -> Place<'s>;

/// The one of two that is there, and whether it is the second.
fn either<'a>(value: Place<'a>, file: Place<'a>) -> Result<Option<(&'a str, String, bool)>, String> {
    match (value, file) {
        (Some((_, value)), Some((_, file))) => {
            Err(format!("{value} and {file} are both set; keep one of them"))
        }
        (Some((text, origin)), None) => Ok(Some((text, origin, false))),
        (None, Some((text, origin))) => Ok(Some((text, origin, true))),
        (None, None) => Ok(None),
    }
}

fn flags(overrides: &Overrides, problems: &mut Vec<String>) -> Vec<(&'static str, String)> {
    let path = |path: &PathBuf| {
        path.to_str().map(str::to_owned).or_else(|| {
            problems.push("--data-dir is not text in UTF-8; choose another path".to_owned());
            None
        })
    };
    [
        ("--data-dir", overrides.data_dir.as_ref().and_then(path)),
        ("--listen", overrides.listen.clone()),
        ("--log-format", overrides.log_format.map(|format| format.as_str().to_owned())),
        ("--no-migrate", overrides.no_migrate.then(|| "false".to_owned())),
    ]
    .into_iter()
    .filter_map(|(flag, text)| Some((flag, text?)))
    .collect()
}
