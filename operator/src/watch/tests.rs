mod keys;
mod plain;
mod sample;
mod screens;
mod text;
