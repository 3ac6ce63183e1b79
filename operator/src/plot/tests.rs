mod axis;
mod labels;
mod picture;
