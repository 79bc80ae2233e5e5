# SPDX-License-Identifier: Apache-2.0
"""The mistake that blows up a metrics bill: a rule whose label takes a fresh uuid with every record."""
RULES = """rules:
  - name: order_stored
    match: "order <order:word> stored for <customer:rest>"
    labels: {customer: "{customer}"}
    tests:
      - message: order 1 stored for 5e0b1c9e-7d2a-4f33-9d0b-1a2b3c4d5e6f
        expect: match
"""
