def label(name, town=""):
    return ", ".join(part.upper() for part in (name, town) if part)


class Parcel:
    def __init__(self, grams):
        if grams <= 0:
            raise ValueError("weight must be positive")
        self.grams = grams

    def price(self):
        return 3 if self.grams <= 500 else 5
