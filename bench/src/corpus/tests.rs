use super::*;

#[test]
fn a_corpus_is_the_same_every_time_and_as_big_as_it_should_be() {
    for shape in Shape::ALL {
        let (one, two) = (Corpus::new(shape, true), Corpus::new(shape, true));
        assert_eq!(one.bodies, two.bodies, "{}", shape.name());
        assert!(one.bytes() >= BYTES && one.bytes() < BYTES + (1 << 18));
        assert_eq!(one.personal, (one.bodies.len() + EVERY / 2 - 1) / EVERY);
        assert!(one.personal > 0, "{} has nothing to find", shape.name());
    }
}

#[test]
fn events_are_json_and_as_long_as_those_of_the_providers() {
    for (shape, sizes) in [(Shape::OpenAi, 200..350), (Shape::Anthropic, 100..150)] {
        let corpus = Corpus::new(shape, true);
        let (mut count, mut bytes) = (0, 0);
        for body in &corpus.bodies {
            let body = std::str::from_utf8(body).unwrap();
            for event in body.split_terminator("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                let data = data.unwrap();
                if data != "[DONE]" {
                    serde_json::from_str::<serde_json::Value>(data).unwrap();
                }
                count += 1;
                bytes += event.len() + 2;
            }
        }
        assert!(sizes.contains(&(bytes / count)), "{}", bytes / count);
    }
}

#[test]
fn bodies_are_json() {
    for body in Corpus::new(Shape::Json, true).bodies {
        serde_json::from_slice::<serde_json::Value>(&body).unwrap();
    }
}
