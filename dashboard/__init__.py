"""The window: Streamlit views, the reading room and the command line. Holds no rule that another room should own."""
