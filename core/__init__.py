"""ConvScope's core: data, networks, training, inspection and explanation, with no Streamlit anywhere below."""
