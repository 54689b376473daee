"""A training's network and settings as an address that rebuilds them: parameters to read, and nothing to run."""

from urllib.parse import urlencode, urljoin

import streamlit as st

from core.errors import ConvScopeError
from core.model.spec import ModelSpec
from core.train.config import TrainConfig
from pages.shared.run import draft_history, settings_form
from pages.shared.shell.draft_link import DATA, NETWORK, SETTINGS, read_link, settings_link
from pages.shared.shell.layout import escape_markdown


def whole_link(dataset: str, spec: ModelSpec, config: TrainConfig) -> str:
    """Return the address that a person opens; without a browser, its part after the host."""
    return f"{urljoin(st.context.url or '/', 'build')}?{urlencode(settings_link(dataset, spec, config))}"


def follow_link() -> None:
    """Take over what the address of the build page describes, if anything, and clear it from the address."""
    params = {name: st.query_params[name] for name in st.query_params}
    ours = [name for name in params if name in (DATA, NETWORK, *SETTINGS)]
    if not ours:
        return
    for name in ours:
        del st.query_params[name]
    try:
        draft, config = read_link(params)
    except ConvScopeError as error:
        st.error(escape_markdown(str(error)), icon=":material/link_off:")
        return
    draft_history.load_draft(draft.dataset, draft.spec)
    settings_form.take_over(config)
    st.toast("Network and training settings are taken over from the link.", icon=":material/link:")
