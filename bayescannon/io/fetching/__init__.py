"""Files of surveys from their archives: addresses, a polite client that resumes, and what was fetched."""
