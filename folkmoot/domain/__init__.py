"""What a community is and may do: plain functions over a transaction, one package per concept.

A concept imports only those listed before it: accounts, spaces, subscriptions, conversations, votes, patches,
moderation, inbox, campaigns, broker.
"""
