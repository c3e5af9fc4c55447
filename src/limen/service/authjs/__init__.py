"""The wire that the clients of Auth.js 5 and NextAuth.js 4 speak."""
