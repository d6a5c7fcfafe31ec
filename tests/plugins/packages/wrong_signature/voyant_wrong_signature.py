"""Was written for another host, which gave it more."""


def generate(ctx, model):
    """Take what nobody gives."""
    return {"wrong_signature": model.write(ctx)}
