def label(name, town=""):
    pass


class Parcel:
    def __init__(self, grams):
        pass

    def price(self):
        pass
