# Written for the tests of Hintline; Apache-2.0, as the rest of it.
import unittest

from parcel_label import (
    Parcel,
    label as printed,
)


class ParcelLabelTest(unittest.TestCase):
    def test_name_and_town(self):
        self.assertEqual(printed("Mina", "Busan"), "MINA, BUSAN")

    def test_name_alone(self):
        """Without a town."""
        name = "Jun"
        expected = "JUN"
        self.assertEqual(printed(name), expected, msg="no comma")

    def test_price(self):
        parcel = Parcel(500)
        self.assertEqual(parcel.price(), 3)
        self.assertTrue(Parcel(501).price() > 3)
        self.assertIs(Parcel(501).price() == 5, True)

    def test_not_text(self):
        self.assertIsNotNone(printed("A", ""))
        self.assertIn("A", printed("A", "B"))
        self.assertFalse(printed("", ""))

    def test_no_weight(self):
        with self.assertRaises(ValueError) as err:
            Parcel(0)
        self.assertEqual(err.exception.args[0], "weight must be positive")

    def test_all_prices(self):
        for grams, price in [(1, 3), (500, 3), (900, 5)]:
            with self.subTest(grams=grams):
                self.assertEqual(Parcel(grams).price(), price)

    def test_same_parcel_twice(self):
        parcel = Parcel(20)
        self.assertEqual(parcel.price(), 3)
        self.assertEqual(parcel.price(), 3)
