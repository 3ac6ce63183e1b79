//! The shapes in which providers stream, as data for the tests.

use crate::frame::Format;

/// A stream of one text.
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) format: Format,
    pub(super) head: &'static [&'static str],
    /// An event that brings a piece of the text, which stands for `TEXT`.
    pub(super) piece: &'static str,
    /// Where in the data of an event the piece is.
    pub(super) pointer: &'static str,
    pub(super) tail: &'static [&'static str],
}

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "OpenAI chat",
        format: Format::Sse,
        head: &[
            "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1712345678,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
        ],
        piece: "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1712345678,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"TEXT\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
        pointer: "/choices/0/delta/content",
        tail: &[
            "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1712345678,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n",
            "data: {\"id\":\"chatcmpl-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":12}}\n\n",
            "data: [DONE]\n\n",
        ],
    },
    Shape {
        name: "OpenAI chat, CRLF, ids, comments, obfuscation, index after the text",
        format: Format::Sse,
        head: &[": OPENROUTER PROCESSING\r\n\r\n", "retry: 3000\r\n\r\n"],
        piece: "id: 17\r\ndata: {\"id\": \"c\", \"choices\": [{\"delta\": {\"content\": \"TEXT\"}, \"index\": 0, \"finish_reason\": null}], \"obfuscation\": \"aX9\"}\r\n\r\n",
        pointer: "/choices/0/delta/content",
        tail: &[
            ": ping\r\n\r\n",
            "id: 99\r\ndata: {\"id\": \"c\", \"choices\": [{\"delta\": {}, \"index\": 0, \"finish_reason\": \"stop\"}]}\r\n\r\n",
            "data: [DONE]\r\n\r\n",
        ],
    },
    Shape {
        name: "OpenAI chat, the last event brings text too, CR",
        format: Format::Sse,
        head: &[],
        piece: "data:{\"choices\":[{\"index\":1,\"delta\":{\"reasoning_content\":\"TEXT\"},\"finish_reason\":null}]}\r\r",
        pointer: "/choices/0/delta/reasoning_content",
        tail: &[
            "data:{\"choices\":[{\"index\":1,\"delta\":{\"reasoning_content\":\"\"},\"finish_reason\":\"length\"}]}\r\r",
            "data:[DONE]\r\r",
        ],
    },
    Shape {
        name: "OpenAI chat, refusal",
        format: Format::Sse,
        head: &[],
        piece: "data: {\"choices\":[{\"delta\":{\"refusal\":\"TEXT\"}}]}\n\n",
        pointer: "/choices/0/delta/refusal",
        tail: &["data: [DONE]\n\n"],
    },
    Shape {
        name: "OpenAI chat, reasoning, cut off",
        format: Format::Sse,
        head: &[],
        piece: "data: {\"choices\":[{\"delta\":{\"reasoning\":\"TEXT\"}}]}\n\n",
        pointer: "/choices/0/delta/reasoning",
        tail: &[],
    },
    Shape {
        name: "OpenAI tool call",
        format: Format::Sse,
        head: &[
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"send\",\"arguments\":\"\"}}]},\"finish_reason\":null}]}\n\n",
        ],
        piece: "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"TEXT\"}}]},\"finish_reason\":null}]}\n\n",
        pointer: "/choices/0/delta/tool_calls/0/function/arguments",
        tail: &[
            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n",
            "data: [DONE]\n\n",
        ],
    },
    Shape {
        name: "OpenAI function call",
        format: Format::Sse,
        head: &[],
        piece: "data: {\"choices\":[{\"index\":0,\"delta\":{\"function_call\":{\"arguments\":\"TEXT\"}},\"finish_reason\":null}]}\n\n",
        pointer: "/choices/0/delta/function_call/arguments",
        tail: &[
            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"function_call\"}]}\n\n",
        ],
    },
    Shape {
        name: "OpenAI completions",
        format: Format::Sse,
        head: &[],
        piece: "data: {\"object\":\"text_completion\",\"choices\":[{\"text\":\"TEXT\",\"index\":0,\"logprobs\":null,\"finish_reason\":null}]}\n\n",
        pointer: "/choices/0/text",
        tail: &[
            "data: {\"object\":\"text_completion\",\"choices\":[{\"text\":\"\",\"index\":0,\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n",
            "data: [DONE]\n\n",
        ],
    },
    Shape {
        name: "OpenAI responses",
        format: Format::Sse,
        head: &[
            "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"output\":[]}}\n\n",
        ],
        piece: "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"TEXT\",\"sequence_number\":7,\"logprobs\":[]}\n\n",
        pointer: "/delta",
        tail: &[
            "event: response.output_text.done\ndata: {\"type\":\"response.output_text.done\",\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"sequence_number\":8}\n\n",
            "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\"}}\n\n",
        ],
    },
    Shape {
        name: "Anthropic text",
        format: Format::Sse,
        head: &[
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"content\":[],\"usage\":{\"input_tokens\":3}}}\n\n",
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
            "event: ping\ndata: {\"type\": \"ping\"}\n\n",
        ],
        piece: "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"TEXT\"}}\n\n",
        pointer: "/delta/text",
        tail: &[
            "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":5}}\n\n",
            "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        ],
    },
    Shape {
        name: "Anthropic tool input",
        format: Format::Sse,
        head: &[],
        piece: "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"TEXT\"}}\n\n",
        pointer: "/delta/partial_json",
        tail: &["event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"],
    },
    Shape {
        name: "Gemini",
        format: Format::Sse,
        head: &[],
        piece: "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"TEXT\"}],\"role\": \"model\"}}],\"usageMetadata\": {\"promptTokenCount\": 4},\"modelVersion\": \"gemini\",\"responseId\": \"x1\"}\r\n\r\n",
        pointer: "/candidates/0/content/parts/0/text",
        tail: &[
            "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"\"}],\"role\": \"model\"},\"finishReason\": \"STOP\"}]}\r\n\r\n",
        ],
    },
    Shape {
        name: "Ollama chat",
        format: Format::NdJson,
        head: &[],
        piece: "{\"model\":\"llama3\",\"created_at\":\"2026-01-01T12:00:00.123Z\",\"message\":{\"role\":\"assistant\",\"content\":\"TEXT\"},\"done\":false}\n",
        pointer: "/message/content",
        tail: &[
            "{\"model\":\"llama3\",\"created_at\":\"2026-01-01T12:00:01.123Z\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"total_duration\":4883583458}\n",
        ],
    },
    Shape {
        name: "Ollama generate",
        format: Format::NdJson,
        head: &[],
        piece: "{\"model\":\"llama3\",\"response\":\"TEXT\",\"done\":false}\r\n",
        pointer: "/response",
        tail: &["{\"model\":\"llama3\",\"done\":true}\r\n"],
    },
    Shape {
        name: "JSON strings",
        format: Format::Sse,
        head: &[],
        piece: "event: token\ndata: \"TEXT\"\n\n",
        pointer: "",
        tail: &["data: [DONE]\n\n"],
    },
    Shape {
        name: "data in two lines",
        format: Format::Sse,
        head: &["\u{feff}data: {}\n\n"],
        piece: "data: {\"choices\":[{\"index\":0,\nid: 4\ndata: \"delta\":{\"content\":\"TEXT\"}}]}\n\n",
        pointer: "/choices/0/delta/content",
        tail: &["data: [DONE]\n\n"],
    },
];

/// Bodies in which nothing is found, well formed and not.
pub(super) const CLEAN: &[(Format, &str)] = &[
    (
        Format::Json,
        "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"Hello \\\"you\\\" \\u00e9 \\\\ \u{1F600}.\"},\"logprobs\":{\"content\":[{\"token\":\"He\",\"logprob\":-0.1,\"bytes\":[72,101]}]}}],\"usage\":{\"total_tokens\":12}}",
    ),
    (
        Format::Json,
        "\u{feff} [\"a\", {\"b\" : [\"c\", {\"d\":\"e\"}, \"f\"]}, -1.5e3, true, null]\n",
    ),
    (
        Format::Json,
        "{\"embedding\":[0.1,-0.2,3e-7,0.1,-0.2,3e-7,0.1,-0.2,3e-7,0.1,-0.2,3e-7],\"n\":1}",
    ),
    (Format::Json, "{\"a\":{\"b\":\"unterminated"),
    (Format::Json, "{\"a\":\"b\\"),
    (Format::Json, "}}]]\"x\"{{\"y\":[}"),
    (Format::Json, "no json, \"quoted\" {braces}"),
    (Format::Json, "{\"a\":1}\n{\"b\":2} trailing words"),
    (Format::Json, "{'single': 'quotes', NaN: undefined}"),
    (Format::Json, "\\\"\\{\"a\\\"\":\"b\"}"),
    (
        Format::Json,
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[{\"deep\":[\"x\",{\"y\":\"z\"}]}]]]",
    ),
    (Format::Text, "Plain words, \u{20ac} and \\ all."),
    (
        Format::NdJson,
        "{\"a\":\"b\"}\r\n\r\n{\"c\":\nwords\n[1,2]\n\"x\"\n{\"d\":\"e\"}",
    ),
    (
        Format::Sse,
        "\u{feff}: hello\n\nevent: x\nid: 1\nretry: 5\ndata\ndata:\ndata: a\ndata:  b \n\n\n\ndata: {\"a\":\ndata: \"b\"}\n\ndata: [DONE]\n\n",
    ),
    (
        Format::Sse,
        "data: one \r\n\r\ndata: two \r\rdata: three \n\n\rdata:\r\n\ndata: {\"a\":[1,2]\n\ndata: x",
    ),
    (
        Format::Sse,
        "data: {\"choices\":[{\"delta\":{\"content\":\"un \n\ndata: {\"choices\":{}}}}\n\ndata: ]\n\ndata: \"\n\n",
    ),
    (
        Format::Sse,
        "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"well \"}}\n\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"EqQBCkYIARgCKkAw\"}}\n\n",
    ),
    (
        Format::Sse,
        "datax: 1\ndat: 2\n data: 3\ndata : 4\n\ndata: {\"error\":{\"message\":\"overloaded \"}}\n\nevent: error\ndata: {\"a\":\"b \"}\n\n",
    ),
];
