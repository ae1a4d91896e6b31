"""The console's own components: JavaScript that draws what no Streamlit element can, and its Python side."""
