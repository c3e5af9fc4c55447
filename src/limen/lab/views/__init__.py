"""The views: one module each, with its addresses. Most of them show one and the same trace."""
