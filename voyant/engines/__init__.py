"""Where do tables live, and who may ask them what? The only package that speaks SQL."""
