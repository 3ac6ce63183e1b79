//! The shapes in which providers stream text: which strings of an event continue which text, and
//! which events end it.

/// A text that streams over events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    // OpenAI chat completions, in a choice's `delta`.
    Content,
    ReasoningContent,
    Reasoning,
    Refusal,
    ToolArguments,
    FunctionArguments,
    /// OpenAI completions: `text` of a choice.
    Completion,
    /// OpenAI responses: `delta` of an event whose type ends with `.delta`.
    Response,
    // Anthropic, in the `delta` of a `content_block_delta`.
    BlockText,
    BlockJson,
    /// Signed by the provider: it passes and is only counted.
    BlockThinking,
    // Gemini, in the parts of a candidate.
    Candidate,
    CandidateThought,
    // Ollama: `message` of a chat, and the members of a generation.
    ChatContent,
    ChatThinking,
    Generated,
    GeneratedThinking,
    /// Events that are nothing but a JSON string.
    Quoted,
    /// Events that are no JSON.
    Plain,
}

/// Which text of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) stream: Stream,
    /// The choice, block, output or candidate.
    pub(super) major: u32,
    /// The tool call or part within it.
    pub(super) minor: u32,
    /// A hash of the event's type without its suffix, where one answer has many.
    pub(super) stem: u32,
}

/// Which texts an event ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Choice(u32),
    Block(u32),
    Blocks,
    Response(Key),
    Responses,
    Candidate(u32),
    Ollama,
    /// What streams as data that no shape explains.
    Tokens,
    All,
}

/// What an object or list is in a provider's event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Root,
    Choices,
    Choice,
    Delta,
    ToolCalls,
    ToolCall,
    Function,
    FunctionCall,
    BlockDelta,
    Candidates,
    Candidate,
    Content,
    Parts,
    Part,
    Message,
    Other,
}

/// What the members of an event say about all of it.
#[derive(Debug, Default)]
pub(super) struct Facts<'a> {
    pub(super) kind: &'a [u8],
    pub(super) index: Option<u32>,
    pub(super) output_index: Option<u32>,
    pub(super) content_index: Option<u32>,
    pub(super) done: Option<bool>,
    pub(super) has_error: bool,
}

/// What a string turns out to be once its event is known as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Continues(Key),
    /// A text by itself.
    Alone,
    /// No text at all.
    Binary,
}

// === impl Stream ===

impl Stream {
    /// The text that a string continues, by where it stands.
    pub(super) fn of(node: Node, name: &[u8]) -> Option<Self> {
        Some(match (node, name) {
            (Node::Delta, b"content") => Self::Content,
            (Node::Delta, b"reasoning_content") => Self::ReasoningContent,
            (Node::Delta, b"reasoning") => Self::Reasoning,
            (Node::Delta, b"refusal") => Self::Refusal,
            (Node::Function, b"arguments") => Self::ToolArguments,
            (Node::FunctionCall, b"arguments") => Self::FunctionArguments,
            (Node::Choice, b"text") => Self::Completion,
            (Node::Root, b"delta") => Self::Response,
            (Node::BlockDelta, b"text") => Self::BlockText,
            (Node::BlockDelta, b"partial_json") => Self::BlockJson,
            (Node::BlockDelta, b"thinking") => Self::BlockThinking,
            (Node::Part, b"text") => Self::Candidate,
            (Node::Message, b"content") => Self::ChatContent,
            (Node::Message, b"thinking") => Self::ChatThinking,
            (Node::Root, b"response") => Self::Generated,
            (Node::Root, b"thinking") => Self::GeneratedThinking,
            _ => return None,
        })
    }

    /// The name of the member that holds the text; empty if none does.
    pub(super) fn name(self) -> &'static [u8] {
        match self {
            Self::Content | Self::ChatContent => b"content",
            Self::ReasoningContent => b"reasoning_content",
            Self::Reasoning => b"reasoning",
            Self::Refusal => b"refusal",
            Self::ToolArguments | Self::FunctionArguments => b"arguments",
            Self::Completion | Self::BlockText | Self::Candidate | Self::CandidateThought => {
                b"text"
            }
            Self::Response => b"delta",
            Self::BlockJson => b"partial_json",
            Self::BlockThinking | Self::ChatThinking | Self::GeneratedThinking => b"thinking",
            Self::Generated => b"response",
            Self::Quoted | Self::Plain => b"",
        }
    }

    pub(super) fn is_of_choice(self) -> bool {
        use Stream::{
            Completion, Content, FunctionArguments, Reasoning, ReasoningContent, Refusal,
            ToolArguments,
        };
        matches!(
            self,
            Content
                | ReasoningContent
                | Reasoning
                | Refusal
                | ToolArguments
                | FunctionArguments
                | Completion
        )
    }

    pub(super) fn is_of_candidate(self) -> bool {
        matches!(self, Self::Candidate | Self::CandidateThought)
    }

    /// Whether the text must pass as it is.
    pub(super) fn is_signed(self) -> bool {
        self == Self::BlockThinking
    }

    fn is_of_block(self) -> bool {
        matches!(
            self,
            Self::BlockText | Self::BlockJson | Self::BlockThinking
        )
    }

    fn is_of_ollama(self) -> bool {
        matches!(
            self,
            Self::ChatContent | Self::ChatThinking | Self::Generated | Self::GeneratedThinking
        )
    }
}

// === impl Key ===

impl Key {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            major: 0,
            minor: 0,
            stem: 0,
        }
    }

    /// The key of a Responses text by its event's type without `.delta` or `.done`.
    fn response(stem: &[u8], facts: &Facts<'_>) -> Self {
        // FNV-1a. One answer has a handful of types.
        let hash = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        Self {
            stream: Stream::Response,
            major: facts.output_index.unwrap_or(0),
            minor: facts.content_index.unwrap_or(0),
            stem: stem.iter().fold(0x811c_9dc5, hash),
        }
    }
}

// === impl End ===

impl End {
    pub(super) fn covers(self, key: Key) -> bool {
        let stream = key.stream;
        match self {
            Self::Choice(choice) => stream.is_of_choice() && key.major == choice,
            Self::Block(block) => stream.is_of_block() && key.major == block,
            Self::Blocks => stream.is_of_block(),
            Self::Response(response) => key == response,
            Self::Responses => stream == Stream::Response,
            Self::Candidate(candidate) => stream.is_of_candidate() && key.major == candidate,
            Self::Ollama => stream.is_of_ollama(),
            Self::Tokens => matches!(stream, Stream::Plain | Stream::Quoted),
            Self::All => true,
        }
    }
}

// === impl Node ===

impl Node {
    /// What an object or list is by what holds it; `None` holds the outermost.
    pub(super) fn of(holder: Option<Self>, name: &[u8], list: bool) -> Self {
        let Some(holder) = holder else {
            return if list { Self::Other } else { Self::Root };
        };
        match (holder, name, list) {
            (Self::Root, b"choices", true) => Self::Choices,
            (Self::Choices, _, false) => Self::Choice,
            (Self::Choice, b"delta", false) => Self::Delta,
            (Self::Delta, b"tool_calls", true) => Self::ToolCalls,
            (Self::ToolCalls, _, false) => Self::ToolCall,
            (Self::ToolCall, b"function", false) => Self::Function,
            (Self::Delta, b"function_call", false) => Self::FunctionCall,
            (Self::Root, b"delta", false) => Self::BlockDelta,
            (Self::Root, b"candidates", true) => Self::Candidates,
            (Self::Candidates, _, false) => Self::Candidate,
            (Self::Candidate, b"content", false) => Self::Content,
            (Self::Content, b"parts", true) => Self::Parts,
            (Self::Parts, _, false) => Self::Part,
            (Self::Root, b"message", false) => Self::Message,
            _ => Self::Other,
        }
    }

    /// Whether its elements are told apart by their member `index`.
    pub(super) fn has_index(self) -> bool {
        matches!(self, Self::Choice | Self::ToolCall | Self::Candidate)
    }

    /// Whether a member that is not null says that the element's texts are over.
    pub(super) fn ends_with(self, name: &[u8]) -> bool {
        match self {
            Self::Choice => name == b"finish_reason",
            Self::Candidate => name == b"finishReason",
            _ => false,
        }
    }
}

// === impl Facts ===

impl Facts<'_> {
    /// What a string is that stands where a text of `key` would.
    pub(super) fn judge(&self, key: Key) -> Verdict {
        let stream = key.stream;
        if stream == Stream::Response {
            return match self.kind.strip_suffix(b".delta") {
                // Sound in base64, which a client decodes event by event.
                Some(stem) if stem.ends_with(b"audio") => Verdict::Binary,
                Some(stem) => Verdict::Continues(Key::response(stem, self)),
                None => Verdict::Alone,
            };
        }
        if stream.is_of_block() {
            return match self.kind {
                b"content_block_delta" => Verdict::Continues(Key {
                    major: self.index.unwrap_or(0),
                    ..key
                }),
                _ => Verdict::Alone,
            };
        }
        if stream.is_of_ollama() && self.done.is_none() {
            return Verdict::Alone;
        }
        Verdict::Continues(key)
    }

    /// Which texts the event ends, apart from those that its elements say.
    pub(super) fn end(&self) -> Option<End> {
        if self.has_error || self.kind == b"error" {
            return Some(End::All);
        }
        if self.done == Some(true) {
            return Some(End::Ollama);
        }
        match self.kind {
            b"content_block_stop" => Some(End::Block(self.index.unwrap_or(0))),
            b"message_delta" | b"message_stop" => Some(End::Blocks),
            b"response.completed"
            | b"response.incomplete"
            | b"response.failed"
            | b"response.cancelled" => Some(End::Responses),
            kind => kind
                .strip_suffix(b".done")
                .map(|stem| End::Response(Key::response(stem, self))),
        }
    }
}
