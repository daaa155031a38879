//! Bodies of Gemini's `generateContent`. Google's JSON takes each field in camel and in snake case.
//!
//! Sources, field by field: <https://ai.google.dev/api/generate-content>, <https://ai.google.dev/api/caching#Tool>, and the
//! request types of the library google-genai 3.6. Fields of Vertex AI alone are not listed, and so refused.

use super::price_terms::{BLOB, FILE_DATA, GOOGLE_MAPS, GOOGLE_SEARCH, HEARD, PICTURED, SPOKEN, TIER};
use super::rule::{Effect, Figure, Object, Rule, Shape, Table, bytes, field, refused, window};

/// `generateContent` and `streamGenerateContent`.
pub(super) static GENERATE_CONTENT: Table = Table {
    fields: &[
        field("contents", Rule::Of(&CONTENT)),
        field("generationConfig", Rule::Object(&GENERATION_CONFIG)),
        field("systemInstruction", Rule::Of(&CONTENT)),
        field(
            "tools",
            Rule::Of(&Shape { scalar: None, items: Some(&Rule::Object(&TOOL)), object: Some(&TOOL) }),
        ),
        bytes("toolConfig"),
        bytes("safetySettings"),
        bytes("labels"),
        field("serviceTier", TIER),
        bytes("store"),
        // The path says which model.
        field("model", Rule::Model),
        window("cachedContent"),
        field("background", Rule::Background),
    ],
    has_two_spellings: true,
    is_open: false,
};

/// A content or several, of a part or several: where it expects a list, Google takes one by itself.
static CONTENT: Shape = Shape {
    scalar: Some(Effect::Bytes),
    items: Some(&Rule::Object(&ONE_CONTENT)),
    object: Some(&ONE_CONTENT),
};
static ONE_CONTENT: Object = Object::of(&[
    bytes("role"),
    field(
        "parts",
        Rule::Of(&Shape {
            scalar: Some(Effect::Bytes),
            items: Some(&Rule::Object(&PART)),
            object: Some(&PART),
        }),
    ),
]);

static PART: Object = Object::of(&[
    bytes("text"),
    bytes("thought"),
    field("thoughtSignature", Rule::Sealed),
    bytes("functionCall"),
    field(
        "functionResponse",
        Rule::Object(&Object::of(&[
            bytes("id"),
            bytes("name"),
            bytes("response"),
            bytes("willContinue"),
            bytes("scheduling"),
            field("parts", Rule::Any(HEARD)),
        ])),
    ),
    bytes("executableCode"),
    bytes("codeExecutionResult"),
    bytes("videoMetadata"),
    bytes("mediaResolution"),
    field("inlineData", Rule::Object(&BLOB)),
    field("fileData", Rule::Object(&FILE_DATA)),
    // What a tool of Google's was asked, and found.
    window("toolCall"),
    window("toolResponse"),
]);

/// Google's tools search and read within one run of the model, whose window holds what they find. Code is run up to five
/// times, and the model over what it says: <https://ai.google.dev/gemini-api/docs/code-execution>.
static TOOL: Object = Object::of(&[
    field("functionDeclarations", Rule::Schema),
    field("googleSearch", Rule::Any(GOOGLE_SEARCH)),
    field("googleSearchRetrieval", Rule::Any(GOOGLE_SEARCH)),
    window("urlContext"),
    field("googleMaps", Rule::Any(GOOGLE_MAPS)),
    window("fileSearch"),
    window("computerUse"),
    field("codeExecution", Rule::Any(Effect::Repeats(6))),
    // The provider runs the model over what the servers answer, again and again.
    refused("mcpServers"),
]);

static GENERATION_CONFIG: Object = Object::of(&[
    field("maxOutputTokens", Rule::Figure(Figure::MaxTokens)),
    field("candidateCount", Rule::Figure(Figure::Answers)),
    bytes("temperature"),
    bytes("topP"),
    bytes("topK"),
    bytes("seed"),
    bytes("stopSequences"),
    bytes("presencePenalty"),
    bytes("frequencyPenalty"),
    bytes("responseMimeType"),
    field("responseSchema", Rule::Schema),
    field("responseJsonSchema", Rule::Schema),
    field("_responseJsonSchema", Rule::Schema),
    bytes("responseLogprobs"),
    bytes("logprobs"),
    bytes("enableEnhancedCivicAnswers"),
    bytes("mediaResolution"),
    bytes("audioTimestamp"),
    bytes("speechConfig"),
    bytes("imageConfig"),
    field(
        "responseModalities",
        Rule::Each(&Rule::Word(&[
            ("TEXT", Effect::Bytes),
            ("Text", Effect::Bytes),
            ("text", Effect::Bytes),
            ("IMAGE", PICTURED),
            ("Image", PICTURED),
            ("image", PICTURED),
            ("AUDIO", SPOKEN),
            ("Audio", SPOKEN),
            ("audio", SPOKEN),
        ])),
    ),
    field(
        "thinkingConfig",
        Rule::Object(&Object::of(&[
            bytes("includeThoughts"),
            bytes("thinkingLevel"),
            // Thoughts are within `maxOutputTokens`, says <https://github.com/googleapis/python-genai/issues/2062>; Google's
            // own page says that they stand beside it.
            field("thinkingBudget", Rule::Figure(Figure::Thinking)),
        ])),
    ),
    // They choose another model than the one whose bounds are known.
    refused("routingConfig"),
    refused("modelSelectionConfig"),
]);
