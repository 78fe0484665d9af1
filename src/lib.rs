//! Brickyard gives a company's teams Databricks workspaces on request.
