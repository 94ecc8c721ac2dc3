"""Python for model cards that reads pairs of texts as `text_pairs` does, and what a model says of where answers are."""

PAIRS = """items = [("Who lives here?", "Ada lives here, and Grace next door.")]  # question, text
rows, kinds, spans, owners = [], [], [], []  # a pair of more than {limit} tokens is read in windows of its text
for item, pair in enumerate(items):
    found = tokenizer(*pair, return_offsets_mapping=True, return_token_type_ids=True, verbose=False)
    of = found.sequence_ids(0)  # which of the two a token belongs to
    asked = [token for token, text in enumerate(of) if text == 0]
    left_out = asked[{half} - {half} // 2 : len(asked) - {half} // 2] if len(asked) > {half} else []
    body = [token for token, text in enumerate(of) if text == 1]
    head = [token for token in range(body[0]) if token not in left_out]
    tail = list(range(body[-1] + 1, len(of)))
    room = {limit} - len(head) - len(tail)
    windows = max(1, -(-(len(body) - room) // (room - room // {overlap})) + 1)
    for number in range(windows):
        start = max(0, len(body) - room) * number // max(1, windows - 1)
        kept = [*head, *body[start : start + room], *tail]
        rows.append([found["input_ids"][token] for token in kept])
        kinds.append([found["token_type_ids"][token] for token in kept])
        spans.append([found["offset_mapping"][token] if of[token] == 1 else (0, 0) for token in kept])
        owners.append(item)
wanted = {{"token_type_ids": kinds}} if "token_type_ids" in tokenizer.model_input_names else {{}}
inputs = tokenizer.pad({{"input_ids": rows, **wanted}}, return_tensors="pt")
"""
TWO_TEXTS = """items = [("A man plays a guitar.", "Somebody makes music.")]
# of a pair with more than {limit} tokens the end of the longer text is cut off
cut = {{"truncation": "longest_first", "max_length": {limit}, "padding": True}}
inputs = tokenizer(*map(list, zip(*items)), **cut, return_tensors="pt")
"""
TWO_LOGITS = """with torch.no_grad():
    output = model(**inputs)
logits = torch.stack([output.start_logits, output.end_logits], dim=-1)
logits = logits - logits[:, :1]  # how much better than that there is no answer, which the first token says
"""
