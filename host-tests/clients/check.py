"""Reads redacted answers with an independent client of server-sent events and with OpenAI's and
Anthropic's own clients: what they read through Envoy is what they read without it, masked.

Run by the test `redaction_clients`, which serves `answers/` and tells the addresses:
CHECK_THROUGH (Envoy) and CHECK_DIRECT (the upstream).
"""

import http.client
import json
import os
import sys
import unittest

import anthropic
import openai
import sseclient

# What is in the answers, and what stands in its place.
MASKS = {
    "asha.rao@example.com": "[EMAIL_ADDRESS]",
    "2345 6789 0124": "[IN_AADHAAR]",
    "4111 1111 1111 1111": "[CREDIT_CARD]",
}
# How the upstream cuts an answer into writes.
PACES = ["event", "token", "byte"]
PATH = "/v1/agents/support"
THROUGH = os.environ.get("CHECK_THROUGH", "")
DIRECT = os.environ.get("CHECK_DIRECT", "")
ASK = [{"role": "user", "content": "Who am I?"}]
# Asks for an answer that contains what the policy blocks.
BLOCKED = "blocked"
TOOL = {"type": "object", "properties": {"to": {"type": "string"}}}


def masked(value):
    """A value of JSON with every text in it masked."""
    if isinstance(value, str):
        for text, mask in MASKS.items():
            value = value.replace(text, mask)
        return value
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, dict):
        return {name: masked(item) for name, item in value.items()}
    return value


def headers(pace):
    return {"x-user-id": "qa-1", "x-pace": pace}


def openai_client(addr, pace):
    return openai.OpenAI(
        api_key="none",
        base_url=f"http://{addr}{PATH}",
        default_headers=headers(pace),
        max_retries=0,
    )


def anthropic_client(addr, pace):
    return anthropic.Anthropic(
        api_key="none",
        base_url=f"http://{addr}{PATH}",
        default_headers=headers(pace),
        max_retries=0,
    )


class Check(unittest.TestCase):
    maxDiff = None
    # Of the tests that `load_tests` makes of these.
    pace = "event"

    def both(self, ask):
        """What `ask(address, pace)` gives without Envoy, and what through it."""
        return ask(DIRECT, "event"), ask(THROUGH, self.pace)

    def assert_no_value(self, shown):
        for value in MASKS:
            self.assertNotIn(value, shown)

    def assert_withheld(self, text):
        """Of an answer that is blocked, only what stands before the value was read."""
        self.assertTrue("Ask our colleague, ".startswith(text), text)
        self.assertIn("Ask our", text)

    def assert_same_events(self, direct, through, extra):
        """Every event is there, in order, with the same content but for its text; at most `extra`
        more, which bring the end of a text and nothing else new."""
        rest = iter(through)
        between = 0
        for event in direct:
            for other in rest:
                if other == event:
                    break
                between += 1
                self.assertIn(other, direct, "an event that the upstream never sent")
            else:
                self.fail(f"{event} is missing or out of order")
        self.assertEqual(list(rest), [], "events behind the last one")
        self.assertLessEqual(between, extra)


class OpenAi(Check):
    def chat(self, stream, tools):
        def ask(addr, pace):
            more = {}
            if stream:
                more = {"stream": True, "stream_options": {"include_usage": True}}
            if tools:
                function = {"name": "send_mail", "parameters": TOOL}
                more["tools"] = [{"type": "function", "function": function}]
            create = openai_client(addr, pace).chat.completions.create
            answer = create(model="gpt-4.1", messages=ASK, **more)
            return list(answer) if stream else answer

        return ask

    def test_chat(self):
        direct, through = self.both(self.chat(False, False))
        self.assertIn("asha.rao@example.com", direct.model_dump_json())
        self.assertEqual(through.model_dump(), masked(direct.model_dump()))

    def test_chat_with_tools(self):
        direct, through = self.both(self.chat(False, True))
        calls = through.choices[0].message.tool_calls
        for call, other in zip(calls, direct.choices[0].message.tool_calls, strict=True):
            self.assertEqual((call.id, call.function.name), (other.id, other.function.name))
            arguments = json.loads(call.function.arguments)
            self.assertEqual(arguments, masked(json.loads(other.function.arguments)))
        self.assertEqual(through.choices[0].finish_reason, "tool_calls")
        self.assert_no_value(through.model_dump_json())

    def test_chat_stream(self):
        def text(chunks):
            choices = [choice for chunk in chunks for choice in chunk.choices]
            return "".join(choice.delta.content or "" for choice in choices)

        def bare(chunks):
            events = [chunk.model_dump(exclude={"obfuscation"}) for chunk in chunks]
            for event in events:
                for choice in event["choices"]:
                    if choice["delta"].get("content") is not None:
                        choice["delta"]["content"] = "…"
            return events

        direct, through = self.both(self.chat(True, False))
        self.assertIn("asha.rao@example.com", text(direct))
        self.assertEqual(text(through), masked(text(direct)))
        self.assert_same_events(bare(direct), bare(through), 1)
        self.assertEqual(through[-2].choices[0].finish_reason, "stop")
        self.assertEqual(through[-1].usage.total_tokens, 93)

    def test_chat_stream_with_tools(self):
        def calls(chunks):
            found = {}
            for chunk in chunks:
                for choice in chunk.choices:
                    for call in choice.delta.tool_calls or []:
                        entry = found.setdefault(call.index, {"arguments": ""})
                        entry["id"] = entry.get("id") or call.id
                        entry["name"] = entry.get("name") or call.function.name
                        entry["arguments"] += call.function.arguments or ""
            for entry in found.values():
                entry["arguments"] = json.loads(entry["arguments"])
            return found

        def bare(chunks):
            events = [chunk.model_dump(exclude={"obfuscation"}) for chunk in chunks]
            for event in events:
                for choice in event["choices"]:
                    for call in choice["delta"].get("tool_calls") or []:
                        call["function"]["arguments"] = "…"
            return events

        direct, through = self.both(self.chat(True, True))
        self.assertEqual(calls(direct)[0]["arguments"]["to"], "asha.rao@example.com")
        self.assertEqual(calls(through), masked(calls(direct)))
        self.assert_same_events(bare(direct), bare(through), 2)
        self.assertEqual(through[-1].choices[0].finish_reason, "tool_calls")

    def test_chat_stream_put_together_by_the_client(self):
        def ask(addr, pace):
            client = openai_client(addr, pace)
            with client.chat.completions.stream(model="gpt-4.1", messages=ASK) as stream:
                return stream.get_final_completion()

        direct, through = self.both(ask)
        self.assertEqual(
            through.choices[0].message.content, masked(direct.choices[0].message.content)
        )
        self.assertEqual(through.choices[0].finish_reason, "stop")
        self.assertEqual(through.usage, direct.usage)

    def test_a_withheld_stream_is_an_error(self):
        read = []
        create = openai_client(THROUGH, self.pace).chat.completions.create
        with self.assertRaises(openai.APIError) as raised:
            for chunk in create(model=BLOCKED, messages=ASK, stream=True):
                read.append(chunk.choices[0].delta.content or "")
        self.assertIn("withheld", str(raised.exception))
        self.assert_withheld("".join(read))

    def test_responses(self):
        def ask(addr, pace):
            return openai_client(addr, pace).responses.create(model="gpt-4.1", input="Who am I?")

        direct, through = self.both(ask)
        self.assertIn("asha.rao@example.com", direct.output_text)
        self.assertEqual(through.model_dump(), masked(direct.model_dump()))
        json.loads(through.output[1].arguments)

    def test_responses_stream(self):
        def ask(addr, pace):
            create = openai_client(addr, pace).responses.create
            return list(create(model="gpt-4.1", input="Who am I?", stream=True))

        def deltas(events, kind):
            return "".join(event.delta for event in events if event.type == kind)

        def bare(events):
            shown = [masked(event.model_dump(exclude={"obfuscation"})) for event in events]
            for event in shown:
                if event["type"].endswith(".delta"):
                    event["delta"] = "…"
                    event["sequence_number"] = 0
            return shown

        direct, through = self.both(ask)
        for kind in ["response.output_text.delta", "response.function_call_arguments.delta"]:
            self.assertNotEqual(masked(deltas(direct, kind)), deltas(direct, kind))
            self.assertEqual(deltas(through, kind), masked(deltas(direct, kind)))
        self.assert_same_events(bare(direct), bare(through), 2)
        # The events at the end repeat the whole text: it is the text of the deltas.
        done = [event for event in through if event.type == "response.output_text.done"]
        self.assertEqual(done[0].text, deltas(through, "response.output_text.delta"))
        self.assertEqual(through[-1].type, "response.completed")
        self.assertEqual(through[-1].response.output_text, done[0].text)
        json.loads(through[-1].response.output[1].arguments)
        for event in through:
            self.assert_no_value(event.model_dump_json())

    def test_responses_stream_put_together_by_the_client(self):
        def ask(addr, pace):
            with openai_client(addr, pace).responses.stream(model="gpt-4.1", input="?") as stream:
                return stream.get_final_response()

        direct, through = self.both(ask)
        self.assertEqual(through.output_text, masked(direct.output_text))


class Anthropic(Check):
    def test_messages(self):
        def ask(addr, pace):
            create = anthropic_client(addr, pace).messages.create
            return create(model="claude", max_tokens=1000, messages=ASK)

        direct, through = self.both(ask)
        self.assertIn("asha.rao@example.com", direct.model_dump_json())
        self.assertEqual(through.model_dump(), masked(direct.model_dump()))

    def test_messages_stream(self):
        def ask(addr, pace):
            create = anthropic_client(addr, pace).messages.create
            return list(
                create(model="claude", max_tokens=1000, messages=ASK, stream=True)
            )

        def deltas(events, kind, name):
            found = [event.delta for event in events if event.type == "content_block_delta"]
            return "".join(getattr(delta, name) for delta in found if delta.type == kind)

        def bare(events):
            shown = [event.model_dump() for event in events]
            for event in shown:
                for name in ["text", "partial_json"]:
                    if name in event.get("delta", {}):
                        event["delta"][name] = "…"
            return shown

        direct, through = self.both(ask)
        for kind, name in [("text_delta", "text"), ("input_json_delta", "partial_json")]:
            self.assertNotEqual(masked(deltas(direct, kind, name)), deltas(direct, kind, name))
            self.assertEqual(deltas(through, kind, name), masked(deltas(direct, kind, name)))
        json.loads(deltas(through, "input_json_delta", "partial_json"))
        # What the provider signed is as it was.
        for kind, name in [("thinking_delta", "thinking"), ("signature_delta", "signature")]:
            self.assertEqual(deltas(through, kind, name), deltas(direct, kind, name))
        self.assert_same_events(bare(direct), bare(through), 2)
        self.assertEqual(through[-1].type, "message_stop")

    def test_messages_stream_put_together_by_the_client(self):
        def ask(addr, pace):
            stream = anthropic_client(addr, pace).messages.stream
            with stream(model="claude", max_tokens=1000, messages=ASK) as events:
                return events.get_final_message()

        direct, through = self.both(ask)
        self.assertEqual(through.content[2].input["to"], "[EMAIL_ADDRESS]")
        self.assertEqual(through.model_dump(), masked(direct.model_dump()))
        self.assertEqual(through.stop_reason, "tool_use")


    def test_a_withheld_stream_is_an_error(self):
        read = []
        stream = anthropic_client(THROUGH, self.pace).messages.stream
        with self.assertRaises(anthropic.APIError) as raised:
            with stream(model=BLOCKED, max_tokens=1000, messages=ASK) as events:
                read.extend(events.text_stream)
        self.assertIn("withheld", str(raised.exception))
        self.assert_withheld("".join(read))


class Events(Check):
    """A stream with everything that the format has: ids, comments, `retry`, names, two lines of data,
    two choices that take turns, CR LF."""

    def ask(self, addr, pace):
        connection = http.client.HTTPConnection(addr, timeout=20)
        connection.request("POST", f"{PATH}/events", b"{}", headers(pace))
        response = connection.getresponse()
        self.assertEqual(response.status, 200)
        self.assertIsNone(response.getheader("content-length"))
        body = response.read()
        connection.close()
        return body

    def test_every_field_of_every_event(self):
        class Source:
            def __init__(self, body):
                self.lines = body.splitlines(True)

            def __iter__(self):
                return iter(self.lines)

            def close(self):
                pass

        def read(body):
            return list(sseclient.SSEClient(Source(body)).events())

        def text(events, choice):
            found = ""
            for event in events:
                if event.data.startswith('{"id"'):
                    part = json.loads(event.data)["choices"][0]
                    found += part["delta"].get("content", "") if part["index"] == choice else ""
            return found

        def bare(events):
            shown = []
            for event in events:
                data = event.data
                if data != "[DONE]":
                    data = json.loads(data)
                    for choice in data.get("choices", []):
                        if "content" in choice["delta"]:
                            choice["delta"] = {"content": "…"}
                shown.append((event.id, event.event, event.retry, data))
            return shown

        def others(body):
            lines = body.split(b"\r\n")
            return [line for line in lines if line.startswith((b":", b"retry:"))]

        direct, through = self.both(self.ask)
        self.assertIn(b"\r\n\r\n", through)
        before, after = read(direct), read(through)
        for choice in [0, 1]:
            self.assertNotEqual(masked(text(before, choice)), text(before, choice))
            self.assertEqual(text(after, choice), masked(text(before, choice)))
        # An event of its own that brings the end of a text has no id: a client's last one stays.
        own = [event for event in bare(after) if event not in bare(before)]
        self.assertLessEqual(len(own), 2)
        self.assertEqual({event[0] for event in own} - {None}, set())
        self.assertEqual([event for event in bare(after) if event not in own], bare(before))
        self.assertEqual(others(through), others(direct), "comments and retry")
        self.assertEqual(after[-1].data, "[DONE]")
        self.assert_no_value(through.decode())


def load_tests(loader, _tests, _pattern):
    """Every test at every pace."""
    suite = unittest.TestSuite()
    for case in [OpenAi, Anthropic, Events]:
        for pace in PACES:
            paced = type(f"{case.__name__}_by_{pace}", (case,), {"pace": pace})
            suite.addTests(loader.loadTestsFromTestCase(paced))
    return suite


if __name__ == "__main__":
    if not (THROUGH and DIRECT):
        sys.exit("run by `make test-clients`, which serves the answers")
    unittest.main(verbosity=2)
